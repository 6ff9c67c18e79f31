"""``manage.py export_config [--output FILE]``: the configuration as it is, in the form that ``apply`` reads."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config.console.manifest.current import as_yaml, current_configuration
from config.platform.db import one_moment


class Command(BaseCommand):
    help = _("Write connections, segments, exports and schedules to a file, without secrets.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help=_("write to this file instead of stdout"))

    def handle(self, *, output: Path | None, **options: Any) -> None:
        with one_moment():
            text = as_yaml(current_configuration())
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            with open(output, "w", encoding="utf-8", opener=_open_privately) as file:
                file.write(text)
        except OSError as error:
            sentence = _("%(path)s cannot be written: %(why)s.") % {"path": output, "why": error.strerror}
            raise CommandError(sentence) from error


def _open_privately(path: str, flags: int) -> int:
    """Open a file so that a new one is readable by its owner alone: rules and recipients can hold addresses."""
    return os.open(path, flags, 0o600)
