"""``manage.py seed_demo [--wait]``: fills the demo, once; afterwards it finds everything there.

`up --demo` calls it on every start.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.console.demo import seeding
from config.console.demo.seeding import SandboxAway
from config.console.manifest.document import FileRefused

_PATIENCE_SECONDS = 20.0


class Command(BaseCommand):
    help = "Fill the demo: accounts, profiles, segments, a connection to the sandbox, an export and its first run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", action="store_true", help="work on the first run here, instead of leaving it to the workers"
        )

    def handle(self, *, wait: bool, **_: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not the demo, so nothing is filled in. Start the demo by `up --demo`.")
        try:
            run = seeding.fill(self.stdout.write)
            if run is None:
                self.stdout.write("The demo is there.")
                return
            if wait:
                seeding.work_until_ended(run)
            elif not seeding.wait_until_ended(run, seconds=_PATIENCE_SECONDS):
                self.stdout.write(f"{run} goes on as soon as a worker takes it up.")
                return
        except (seeding.CannotSeed, SandboxAway, FileRefused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{run}: {run.get_status_display()}, {run.delivered} people delivered.")
