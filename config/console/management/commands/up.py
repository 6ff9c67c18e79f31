"""`manage.py up [--demo]`: the whole system on one machine."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from config.standalone import up
from config.standalone.folders import CannotStart
from config.standalone.supervisor import Output


class Command(BaseCommand):
    help = "Starts PostgreSQL, the pages, the workers and the clock on this machine; Ctrl-C stops everything."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help="with a sandbox, believable profiles and demo accounts, in a folder and database of its own",
        )

    def handle(self, *_: object, **options: object) -> None:
        if options["demo"] and not settings.DEMO:  # manage.py sets it, before settings are read
            raise CommandError("Start the demo by `manage.py up --demo`, or set DEMO=yes.")
        try:
            up.run(Output())
        except CannotStart as error:
            raise CommandError(str(error)) from None
