"""``manage.py import_profiles FILE --key COLUMN``: import profiles from a file in this process.

Exit codes: 0 at least one row was added, updated or unchanged; 1 none was, or more rows than
IMPORT_REJECTED_PERCENT were rejected; 3 Needs confirmation: nothing was written, since too many profiles would
leave.
"""

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from config.platform.jobs import leases
from config.platform.jobs.models import JobStatus
from segments.attribute_changes.job import run_change
from segments.models import AttributeChange, DataSource, ImportJob, ImportMode, ImportProblem
from segments.sources import actions, held_imports
from segments.sources.analysis import PlanFile, PlanRefused, analyze, guessed_plans, plan_as_yaml, plan_from_yaml
from segments.sources.exit_codes import EXIT_NEEDS_CONFIRMATION, rejects_too_many
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileRefused
from segments.sources.import_job import Watch, run_import
from segments.sources.leaving_preview import preview_leaving
from segments.sources.misfits import misfit_count

PROBLEMS_SHOWN = 100


class Command(BaseCommand):
    help = _(
        "Import profiles from FILE: delimited text, an Excel workbook (.xlsx), Parquet or JSON lines. Exit codes:"
        " 0 if at least one row was added, updated or unchanged; 1 if none was, or if more rows than"
        " IMPORT_REJECTED_PERCENT were rejected; 3 if removals need confirmation and nothing was imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--key",
            action="append",
            metavar="COLUMN",
            help=_("the column that identifies each customer; repeat it for each additional key column"),
        )
        parser.add_argument(
            "--plan", type=Path, metavar="PLAN", help=_("a YAML file with the file format and the columns")
        )
        parser.add_argument(
            "--print-plan", action="store_true", help=_("print the detected plan as a YAML file without importing")
        )
        parser.add_argument(
            "--source", metavar="NAME", help=_("the name of the data source (default: the file name)")
        )
        parser.add_argument(
            "--mode",
            choices=ImportMode.values,
            help=_(
                "upsert keeps customers who are not in the file, snapshot removes them (default: the mode of the"
                " data source, or upsert for a new one)"
            ),
        )
        parser.add_argument(
            "--confirm-removals",
            type=count_of_profiles,
            metavar="COUNT",
            help=_("with --mode snapshot: confirm the removal of up to COUNT customers"),
        )
        parser.add_argument(
            "--preview",
            action="store_true",
            help=_("show which customers snapshot mode would remove, without importing"),
        )
        parser.add_argument("--json", action="store_true", help=_("print the counts as JSON"))

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            plan = _plan(options["plan"])
            choices = plan.choices if options["plan"] else None
            keys = tuple(options["key"] or plan.keys)
            if not keys:
                raise CommandError(_("Set the key column with --key or in the plan."))
            if options["print_plan"]:
                found = analyze(path, name=path.name, choices=plan.choices)
                plans = guessed_plans(found, plan.plans, keys)
                self.stdout.write(plan_as_yaml(PlanFile(tuple(plans), plan.choices, keys)))
                return
            if options["preview"]:
                self._preview(path, choices, keys, options)
                return
            job = actions.start_import(
                path=path,
                choices=choices,
                plans=plan.plans,
                key_column=keys[0],
                further_key_columns=keys[1:],
                source_name=_source_name(options),
                mode=ImportMode(options["mode"]) if options["mode"] else None,
                confirmed_removals=options["confirm_removals"],
                by=None,
                wake_worker=False,
            )
        except (FileRefused, PlanRefused, actions.KeyColumnDiffers) as refusal:
            raise CommandError(str(refusal)) from refusal
        ended = self._run(job)
        if options["json"]:
            self.stdout.write(orjson.dumps(facts_of_import(ended)).decode())
        self._print_result(ended, quiet=options["json"])

    def _preview(
        self, path: Path, choices: Mapping[str, Any] | None, keys: tuple[str, ...], options: Mapping[str, Any]
    ) -> None:
        """Print how many profiles would leave, and the first keys; import nothing. Raises FileRefused."""
        source = DataSource.objects.filter(name__iexact=_source_name(options)).first()
        mode = options["mode"] or (source.mode if source else ImportMode.UPSERT)
        if choices is None:
            choices = source.file_format if source else {}
        file_format = detect(path, name=path.name, **choices)
        is_compared = source if mode == ImportMode.SNAPSHOT else None
        seen = preview_leaving(path, file_format, keys, is_compared)
        if options["json"]:
            facts = {
                "mode": mode,
                "to_remove": seen.found.leaving,
                "profiles": seen.found.known,
                "removal_guard": seen.guard or "",
                "first_keys": seen.first_keys,
            }
            self.stdout.write(orjson.dumps(facts).decode())
            return
        sentence = held_imports.leaving_sentence(seen.found.leaving, seen.found.known)
        self.stdout.write(f"{sentence} {seen.guard.label}" if seen.guard else sentence)
        for key in seen.first_keys:
            self.stdout.write(f"  {key}")
        if seen.more_keys:
            self.stdout.write(_("  … and %(more)d more.") % {"more": seen.more_keys})

    def _run(self, job: ImportJob) -> ImportJob:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn(_("{task.fields[rows]:,} rows")),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task(job.file_name, total=None, rows=0)

            def watch(job: ImportJob) -> None:
                progress.update(bar, completed=job.progress_done, total=job.progress_total, rows=job.rows_read)

            try:
                return _run_until_done(job, watch)
            except KeyboardInterrupt as interrupt:
                leases.release(ImportJob.objects.get(pk=job.pk))
                actions.cancel_import(job, by=None)
                raise CommandError(_("Canceled. No rows were imported.")) from interrupt

    def _print_result(self, job: ImportJob, *, quiet: bool) -> None:
        """Print what was imported and what was not; raise CommandError with the exit code of a failure."""
        if not quiet:
            self._print_problems(job)
        if held_imports.is_held(job):
            raise CommandError(_held_text(job), returncode=EXIT_NEEDS_CONFIRMATION)
        if job.status not in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS):
            raise CommandError(job.message or str(job.get_status_display()))
        if not quiet:
            self.stdout.write(_counts_text(job))
        if rejects_too_many(job):
            raise CommandError(
                _("%(refused)d of %(read)d rows were rejected, more than the limit of %(limit)d percent.")
                % {"refused": job.rows_refused, "read": job.rows_read, "limit": settings.IMPORT_REJECTED_PERCENT}
            )

    def _print_problems(self, job: ImportJob) -> None:
        problems = list(job.problems.order_by("line")[:PROBLEMS_SHOWN])
        for problem in problems:
            self.stdout.write(_problem_text(problem))
        if job.rows_refused > len(problems) > 0:
            self.stdout.write(_("… and %(more)d more rows.") % {"more": job.rows_refused - len(problems)})
        for column, count in job.misfits.items():
            self.stdout.write(misfit_count(column, count))


def _source_name(options: Mapping[str, Any]) -> str:
    """Return the name of the data source: as given, or that of the file."""
    return str(options["source"] or options["file"].name.split(".")[0])


def count_of_profiles(text: str) -> int:
    """Read a number of profiles from the command line. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(_("must be a number of profiles"))
    return int(text)


def _counts_text(job: ImportJob) -> str:
    if job.mode == ImportMode.SNAPSHOT:
        sentence = _(
            "%(file)s: %(read)d rows read, %(created)d created, %(updated)d updated, %(unchanged)d "
            "unchanged, %(removed)d removed, %(refused)d rejected."
        )
    else:
        sentence = _(
            "%(file)s: %(read)d rows read, %(created)d created, %(updated)d updated, %(unchanged)d "
            "unchanged, %(refused)d rejected."
        )
    return sentence % {
        "file": job.file_name,
        "read": job.rows_read,
        "created": job.rows_created,
        "updated": job.rows_updated,
        "unchanged": job.rows_unchanged,
        "removed": job.profiles_removed,
        "refused": job.rows_refused,
    }


def _held_text(job: ImportJob) -> str:
    """Return what is held, why, and how to confirm. Keys may be personal data, and this text may be logged."""
    how = _(
        "Nothing was changed. To confirm, open the page of the import, or run held_import with "
        "--confirm-removals %(count)d."
    )
    sentences = (held_imports.held_sentence(job), held_imports.guard_sentence(job), how % {"count": job.to_remove})
    return " ".join(sentences)


def facts_of_import(job: ImportJob) -> dict[str, object]:
    """Return the counts of an import for JSON."""
    return {
        "import": job.pk,
        "status": job.status,
        "mode": job.mode,
        "message": job.message,
        "rows_read": job.rows_read,
        "created": job.rows_created,
        "updated": job.rows_updated,
        "unchanged": job.rows_unchanged,
        "removed": job.profiles_removed,
        "rejected": job.rows_refused,
        "misfits": job.misfits,
        "to_remove": job.to_remove if held_imports.is_held(job) else 0,
        "removal_guard": job.removal_guard if held_imports.is_held(job) else "",
    }


def _plan(path: Path | None) -> PlanFile:
    """Read the file with plans; an empty plan when there is none. Raises PlanRefused."""
    if path is None:
        return PlanFile()
    try:
        return plan_from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PlanRefused(_("The file cannot be read: %(reason)s.") % {"reason": reason}) from error


def _problem_text(problem: ImportProblem) -> str:
    if not problem.column:
        return _("line %(line)d: %(reason)s") % {"line": problem.line, "reason": problem.reason}
    return _("line %(line)d, column “%(column)s”: %(reason)s") % {
        "line": problem.line,
        "column": problem.column,
        "reason": problem.reason,
    }


def _run_until_done(job: ImportJob, watch: Watch) -> ImportJob:
    """Run an import and what it waits for here, or wait for the worker that holds it. Returns the ended job."""
    while True:
        if ended := run_import(job.pk, watch=watch):
            return ended
        job.refresh_from_db()
        watch(job)
        if not job.is_open:
            return job
        # An import of this source whose worker died blocks this one: run it here.
        for other in leases.claimable(ImportJob).filter(source=job.source_id, status=JobStatus.PROCESSING):
            run_import(other.pk)
        for change in leases.claimable(AttributeChange):  # which comes first
            run_change(change.pk)
        time.sleep(0.5)
