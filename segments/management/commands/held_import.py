"""``manage.py held_import SOURCE``: show, confirm or cancel the import of a data source whose removals are held.

Exit codes: those of import_profiles; without an option 3 while removals need confirmation.
"""

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from segments.management.commands import import_profiles
from segments.models import DataSource, ImportJob
from segments.sources import actions, held_imports
from segments.sources.leaving_preview import KEYS_SHOWN


class Command(import_profiles.Command):
    help = _(
        "Show, confirm or cancel an import in snapshot mode that needs confirmation. Without an option, the keys"
        " of the customers to remove are shown, and the exit code is 3."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE", help=_("the name of the data source"))
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--confirm-removals",
            type=import_profiles.count_of_profiles,
            metavar="COUNT",
            help=_("remove up to COUNT customers, and run the import here"),
        )
        choice.add_argument("--cancel", action="store_true", help=_("cancel the import without changes"))
        parser.add_argument("--json", action="store_true", help=_("print the counts as JSON"))

    def handle(self, *args: Any, **options: Any) -> None:
        job = _find(options["source"])
        if options["cancel"]:
            actions.cancel_import(job, by=None)
            self.stdout.write(_("The import of %(file)s is canceled.") % {"file": job.file_name})
            return
        if options["confirm_removals"] is not None:
            held_imports.confirm_removals(job, count=options["confirm_removals"], by=None, wake_worker=False)
            job.refresh_from_db()
            job = self._run(job)
        elif not options["json"]:
            for key in held_imports.keys_to_remove(job, KEYS_SHOWN) or ():
                self.stdout.write(f"  {key}")
        if options["json"]:
            self.stdout.write(orjson.dumps(import_profiles.facts_of_import(job)).decode())
        self._print_result(job, quiet=options["json"])


def _find(name: str) -> ImportJob:
    """Return the held import of a data source. Raises CommandError."""
    source = DataSource.objects.filter(name__iexact=name).first()
    if source is None:
        raise CommandError(_("There is no data source “%(name)s”.") % {"name": name})
    job = held_imports.find_held(source)
    if job is None:
        raise CommandError(_("No import of “%(name)s” needs confirmation.") % {"name": source})
    return job
