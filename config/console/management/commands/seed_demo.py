"""``manage.py seed_demo [--wait]``: fills the demo, once; afterwards it finds everything there.

`up --demo` calls it on every start.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config.console.demo import seeding
from config.console.demo.seeding import SandboxAway
from config.console.manifest.document import FileRefused
from exports.results import summary

_PATIENCE_SECONDS = 20.0


class Command(BaseCommand):
    help = _(
        "Create the demo data: accounts, profiles, segments, a sandbox connection, an export and its first run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", action="store_true", help=_("process the first run here instead of in a worker")
        )

    def handle(self, *, wait: bool, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(_("Demo data can be created only in the demo. Start it with `up --demo`."))
        try:
            run = seeding.fill(self.stdout.write)
            if run is None:
                self.stdout.write(_("The demo data already exists."))
                return
            if wait:
                seeding.work_until_ended(run)
            elif not seeding.wait_until_ended(run, seconds=_PATIENCE_SECONDS):
                self.stdout.write(_("%(run)s continues when a worker is free.") % {"run": run})
                return
        except (seeding.CannotSeed, SandboxAway, FileRefused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{run}: {run.get_status_display()}. {summary.of_run(run).in_words()}")
