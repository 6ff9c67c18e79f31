"""`manage.py is_alive PART`: what a container's health check asks of its own process."""

from argparse import ArgumentParser

from django.core.management import BaseCommand, CommandError

from config.platform.jobs import heartbeat

# Health checks that were written for version 0.1 name the queues as they were called there.
_FORMER_NAMES = {"bells": "control", "work": "jobs"}


class Command(BaseCommand):
    help = "Ends with 0 when a part of the system gave a sign of life within the last seconds, else with 1."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("part", choices=[*heartbeat.NAMES, *_FORMER_NAMES])

    def handle(self, *_: object, **options: str | bool) -> None:
        part = str(options["part"])
        part = _FORMER_NAMES.get(part, part)
        sign = heartbeat.last_of_this_host(part)
        if sign is None:
            raise CommandError(f"{part} gave no sign of life for {heartbeat.LASTS_SECONDS} seconds.")
        self.stdout.write(f"{part} was alive at {sign.at:%H:%M:%S} UTC.")
