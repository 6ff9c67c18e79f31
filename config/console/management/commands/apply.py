"""``manage.py apply FILE.yaml [--dry-run]``: connections, segments and exports as a file says, all or nothing.

Exit codes: 0 applied (or nothing to do), 1 refused.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused


class Command(BaseCommand):
    help = _("Create or update connections, segments and exports from a file, all or nothing.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.yaml")
        parser.add_argument("--dry-run", action="store_true", help=_("show the changes without applying them"))

    def handle(self, *, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            report = apply(file, dry_run=dry_run)
        except FileRefused as refused:
            for problem in refused.problems:
                self.stderr.write(str(problem))
            self.stderr.write(_("Nothing was changed."))
            raise SystemExit(1) from None
        for line in report:
            self.stdout.write(line)
        if dry_run:
            self.stdout.write(_("Dry run: nothing was changed."))
