"""Check the assumptions about a real account: ``manage.py verify_campaign_monitor CONNECTION [--client ID]
[--thousand]``.

Creates a temporary list in the account, tries what the vendor's documentation leaves open, and deletes it again.
Exit codes: 0 every tried assumption holds, 1 nothing could be tried, 2 something differs.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from connections import credentials
from connections.destinations.errors import DestinationError
from connections.destinations.values import Finding
from connections.models import Connection
from connections.vault import NotConnected

_MARKS = {True: "holds", False: "DIFFERS", None: "not tried"}


class Command(BaseCommand):
    help = _("Check assumptions about Campaign Monitor on a temporary list of the account, then delete the list.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", metavar="CONNECTION", help=_("the display name of the connection"))
        parser.add_argument(
            "--client", default="", help=_("the client of the temporary list (default: the first client)")
        )
        parser.add_argument("--thousand", action="store_true", help=_("also import 1,000 contacts of example.com"))

    def handle(self, *, connection: str, client: str, thousand: bool, **options: Any) -> None:
        found = Connection.objects.filter(name__iexact=connection).first()
        if found is None:
            raise CommandError(_("There is no connection “%(name)s”.") % {"name": connection})
        findings = []
        try:
            access = credentials.access(found)
            for finding in found.destination.verify(access, group_id=client, thousand=thousand):
                self.stdout.write(_line(finding))
                findings.append(finding)
        except (DestinationError, NotConnected) as error:
            raise CommandError(str(error)) from error
        tried = [finding for finding in findings if finding.holds is not None]
        differing = [finding for finding in tried if not finding.holds]
        counts = {"holding": len(tried) - len(differing), "tested": len(tried)}
        self.stdout.write(_("%(holding)d of %(tested)d assumptions hold. The list was deleted.") % counts)
        if differing:
            raise SystemExit(2)


def _line(finding: Finding) -> str:
    assumed = f" (assumed: {finding.assumed})" if finding.assumed else ""
    return f"{_MARKS[finding.holds]:>9}  {finding.question}{assumed}: {finding.seen}"
