"""``manage.py run_export NAME [--wait] [--preview] [--json]``: an export, now.

With --wait, exit codes: 0 Successful, or Completed with warnings with at least one contact sent or unchanged;
1 Failure or Failed (permanent); 2 Skipped or Canceled; 3 Needs confirmation; 4 Completed with warnings and no
contact sent or unchanged (a segment without members included).
"""

import threading
import time
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection as database
from django.utils.translation import gettext as _
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.platform.jobs.models import JobStatus
from connections import destinations
from connections.destinations.errors import DestinationError
from connections.vault import NotConnected
from exports import policies
from exports.actions import runs
from exports.delivery import loop
from exports.models import Export, Run, Trigger
from exports.preview.dry_run import preview
from exports.preview.summary import results_of
from exports.reporting import messages
from exports.reporting.run_message import describe_message
from exports.results import left_out_values, summary
from exports.run import pipeline
from exports.run.final_status import exit_code


class Command(BaseCommand):
    help = _("Run an export now.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help=_("the display name of the export"))
        parser.add_argument("--wait", action="store_true", help=_("process the run here and wait until it ends"))
        parser.add_argument("--preview", action="store_true", help=_("show what would be sent without sending it"))
        parser.add_argument("--json", action="store_true", help=_("print the counts as JSON"))

    def handle(self, *, name: str, wait: bool, preview: bool, json: bool, **options: Any) -> None:
        export = _find(name)
        if preview:
            self._preview(export, as_json=json)
            return
        if wait:
            destinations.all_destinations()  # loading their modules takes longer than a short run
        run = _start(export)
        if not wait:
            self._say(
                {"run": run.number, "status": run.status},
                as_json=json,
                text=_("%(run)s is queued.") % {"run": run},
            )
            return
        _work_until_ended(run, quiet=json)
        run.refresh_from_db()
        self._report(run, as_json=json)
        if code := exit_code(JobStatus(run.status), run.delivered + run.unchanged):
            raise SystemExit(code)

    def _preview(self, export: Export, *, as_json: bool) -> None:
        try:
            seen = preview(export)
        except (DestinationError, NotConnected) as error:
            raise CommandError(str(error)) from error
        counts = results_of(seen).as_numbers() | {"calls": seen.calls + seen.calls_to_remove}
        lines = [
            _("%(export)s: preview only, nothing is sent.") % {"export": export},
            *(f"  {key}: {value}" for key, value in counts.items()),
        ]
        first = [
            {"email": contact.email, "values": {value.field: value.sent for value in contact.values}}
            for contact in seen.contacts
        ]
        lines += [
            "  " + _("Omitted: %(reason)s") % {"reason": sentence} for sentence in sorted(set(seen.left_out))
        ]
        self._say(
            counts | {"first": first, "left_out": sorted(set(seen.left_out))},
            as_json=as_json,
            text="\n".join([*lines, *(contact.payload for contact in seen.contacts)]),
        )

    def _report(self, run: Run, *, as_json: bool) -> None:
        counts = summary.of_run(run).as_numbers()
        message = messages.message_of_run(run)
        lines = [f"{run}: {run.get_status_display()}"]
        said = describe_message(run)
        lines += [text for text in (str(message.explanation), said, str(message.next_step)) if text]
        lines += [f"  {key}: {value}" for key, value in counts.items()]
        facts = {"run": run.number, "status": run.status, "reason": run.reason, "message": run.message}
        facts["left_out"] = left_out_values.count_by_field(run)
        self._say(facts | counts, as_json=as_json, text="\n".join(lines))

    def _say(self, facts: dict[str, Any], *, as_json: bool, text: str) -> None:
        self.stdout.write(orjson.dumps(facts).decode() if as_json else text)


def _find(name: str) -> Export:
    export = Export.objects.filter(name__iexact=name).first()
    if export is None:
        known = ", ".join(f"“{other}”" for other in Export.objects.order_by("name")[:20]) or _("none")
        raise CommandError(
            _("There is no export “%(name)s”. Available: %(known)s.") % {"name": name, "known": known}
        )
    return export


def _start(export: Export) -> Run:
    try:
        return runs.start_run(export, by=None, trigger=Trigger.COMMAND)
    except policies.Refusal as refusal:
        raise CommandError(refusal.sentence) from refusal


def _work_until_ended(run: Run, *, quiet: bool) -> None:
    """Work on the run in this process, beside any workers: the lease sees to it that one at a time does."""
    worker = threading.Thread(target=_work, args=(run.pk,), name="run-export")
    worker.start()
    try:
        _show_progress(run, worker, quiet=quiet)
    except KeyboardInterrupt:
        loop.stopping.set()
        worker.join()
        sentence = _("Stopped waiting. Run %(number)s continues when a worker is free.")
        raise CommandError(sentence % {"number": run.number}) from None


def _work(run_id: int) -> None:
    try:
        while Run.objects.get(pk=run_id).is_open and not loop.stopping.is_set():
            if pipeline.run_slice(run_id) == pipeline.Next.NOTHING:
                time.sleep(0.2)
    finally:
        database.close()


def _show_progress(run: Run, worker: threading.Thread, *, quiet: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=quiet, transient=True) as progress:
        shown = progress.add_task(str(run), total=None)
        while worker.is_alive():
            worker.join(timeout=0.5)
            run.refresh_from_db()
            progress.update(
                shown, description=run.get_stage_display(), completed=run.progress_done, total=run.progress_total
            )
