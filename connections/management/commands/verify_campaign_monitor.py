"""Check the assumptions about a real account: ``manage.py verify_campaign_monitor CONNECTION [--client ID]
[--thousand]``.

Creates a temporary list in the account, tries what the vendor's documentation leaves open, and deletes it again.
Exit codes: 0 every tried assumption holds, 1 nothing could be tried, 2 something differs.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections import credentials
from connections.destinations.errors import DestinationError
from connections.destinations.values import Finding
from connections.models import Connection
from connections.vault import NotConnected

_MARKS = {True: "holds", False: "DIFFERS", None: "not tried"}


class Command(BaseCommand):
    help = "Try on a temporary list of the account what its documentation leaves open, and delete the list again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", metavar="CONNECTION", help="its display name")
        parser.add_argument("--client", default="", help="the client to make the list for; else the first")
        parser.add_argument("--thousand", action="store_true", help="also import 1000 people of example.com")

    def handle(self, *, connection: str, client: str, thousand: bool, **_: Any) -> None:
        found = Connection.objects.filter(name__iexact=connection).first()
        if found is None:
            raise CommandError(f"There is no connection “{connection}”.")
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
        self.stdout.write(f"{len(tried) - len(differing)} of {len(tried)} assumptions hold. The list is deleted.")
        if differing:
            raise SystemExit(2)


def _line(finding: Finding) -> str:
    assumed = f" (assumed: {finding.assumed})" if finding.assumed else ""
    return f"{_MARKS[finding.holds]:>9}  {finding.question}{assumed}: {finding.seen}"
