"""`manage.py is_alive PART`: what a container's health check asks of its own process."""

from argparse import ArgumentParser

from django.core.management import BaseCommand, CommandError
from django.utils.translation import gettext as _

from config.platform.jobs import heartbeat

# Health checks that were written for version 0.1 name the queues as they were called there.
_FORMER_NAMES = {"bells": "control", "work": "jobs"}


class Command(BaseCommand):
    help = _("Exit with 0 if a process of the system sent a heartbeat within the last seconds, otherwise with 1.")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("part", choices=[*heartbeat.NAMES, *_FORMER_NAMES])

    def handle(self, *args: object, **options: str | bool) -> None:
        part = str(options["part"])
        part = _FORMER_NAMES.get(part, part)
        sign = heartbeat.last_of_this_host(part)
        if sign is None:
            facts = {"process": part, "seconds": heartbeat.LASTS_SECONDS}
            raise CommandError(_("%(process)s sent no heartbeat for %(seconds)s seconds.") % facts)
        facts = {"process": part, "time": f"{sign.at:%H:%M:%S}"}
        self.stdout.write(_("%(process)s sent a heartbeat at %(time)s UTC.") % facts)
