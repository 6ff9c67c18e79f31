"""`manage.py up [--demo]`: the whole system on one machine."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils.translation import gettext as _

from config.standalone import up
from config.standalone.folders import CannotStart
from config.standalone.supervisor import Output


class Command(BaseCommand):
    help = _(
        "Start PostgreSQL, the web server, the workers and the scheduler on this machine. Press Ctrl+C to stop."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help=_("start with a sandbox, sample profiles and demo accounts, in a separate folder and database"),
        )

    def handle(self, *args: object, **options: object) -> None:
        if options["demo"] and not settings.DEMO:  # manage.py sets it, before settings are read
            raise CommandError(_("Start the demo with `manage.py up --demo`, or set DEMO=yes."))
        try:
            up.run(Output())
        except CannotStart as error:
            raise CommandError(str(error)) from None
