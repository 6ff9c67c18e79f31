"""``manage.py apply FILE|- [--dry-run]``: connections, segments and exports as a file says, all or nothing.

Exit codes: 0 applied (or nothing to do), 1 refused, 2 the dry run found a difference.
"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from config.console.manifest.apply import Applied, apply_manifest
from config.console.manifest.document import FileRefused

STDIN = Path("-")
DIFFERS = 2


class Command(BaseCommand):
    help = _("Create or update connections, segments and exports from a file, all or nothing.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help=_("a YAML file, or - for stdin"))
        parser.add_argument("--dry-run", action="store_true", help=_("show the changes without applying them"))
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print JSON"))

    def handle(self, *, file: Path, dry_run: bool, as_json: bool, **options: Any) -> None:
        content = sys.stdin.buffer.read() if file == STDIN else None
        try:
            applied = apply_manifest(file, content=content, dry_run=dry_run)
        except FileRefused as refused:
            for problem in refused.problems:
                self.stderr.write(str(problem))
            self.stderr.write(_("Nothing was changed."))
            raise SystemExit(1) from None
        if as_json:
            self.stdout.write(json.dumps(_plain(applied, dry_run=dry_run), ensure_ascii=False, indent=2))
        else:
            self._print(applied, dry_run=dry_run)
        if dry_run and applied.differences:
            raise SystemExit(DIFFERS)

    def _print(self, applied: Applied, *, dry_run: bool) -> None:
        for line in applied.report:
            self.stdout.write(line)
        for difference in applied.differences:
            if not difference.entry_is_new:  # the report says that it is created
                self.stdout.write(f"  {difference}")
        if dry_run:
            self.stdout.write(_("Dry run: nothing was changed."))


def _plain(applied: Applied, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "report": applied.report,
        "differences": [difference.to_json() for difference in applied.differences],
    }
