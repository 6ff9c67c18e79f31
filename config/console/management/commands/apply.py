"""``manage.py apply FILE|- [--dry-run]``: connections, segments and exports as a file says, all or nothing.

Exit codes: 0 applied (or nothing to do), 1 refused, 2 the dry run found a difference.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config.console.manifest import document
from config.console.manifest.apply import Applied, apply_manifest
from config.console.manifest.effects import in_words
from config.console.manifest.schema import json_schema

STDIN = Path("-")
DIFFERS = 2
# Where build servers say which commit they work on: GitHub, GitLab, Jenkins.
REVISIONS = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")


class Command(BaseCommand):
    help = _("Create or update connections, segments and exports from a file, all or nothing.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", nargs="?", help=_("a YAML file, or - for stdin"))
        parser.add_argument("--schema", action="store_true", help=_("print the JSON Schema of files, for editors"))
        parser.add_argument("--dry-run", action="store_true", help=_("show the changes without applying them"))
        parser.add_argument(
            "--prune", action="store_true", help=_("remove what the sections of the file do not name")
        )
        parser.add_argument(
            "--revision",
            default=_revision_of_environment(),
            help=_("the commit of the file, which Admin > System shows; without it, %(names)s")
            % {"names": ", ".join(REVISIONS)},
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help=_("print JSON"))

    def handle(
        self,
        *,
        file: Path | None,
        schema: bool,
        dry_run: bool,
        prune: bool,
        revision: str,
        as_json: bool,
        **options: Any,
    ) -> None:
        if schema:
            self.stdout.write(json.dumps(json_schema(), ensure_ascii=False, indent=2))
            return
        if file is None:
            raise CommandError(_("Name a file, or - for stdin."))
        # A byte more than a file may have, so that reading it refuses what is longer.
        content = sys.stdin.buffer.read(document.MOST_BYTES + 1) if file == STDIN else None
        try:
            applied = apply_manifest(
                file, content=content, revision=revision[:200], dry_run=dry_run, prunes=prune, with_effects=dry_run
            )
        except document.FileRefused as refused:
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
        for effect in applied.effects:
            if effect.affects_contacts:
                self.stdout.write(f"  {in_words(effect)}")
        if dry_run:
            self.stdout.write(_("Dry run: nothing was changed."))


def _revision_of_environment() -> str:
    return next((found for name in REVISIONS if (found := os.environ.get(name))), "")


def _plain(applied: Applied, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "report": applied.report,
        "differences": [difference.to_json() for difference in applied.differences],
        "effects": [effect.to_json() for effect in applied.effects],
    }
