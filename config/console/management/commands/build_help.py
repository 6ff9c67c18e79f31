"""Write the help as a static site for a web server."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from config.console.help_site import build_site


class Command(BaseCommand):
    help = "Write the help in all languages into a folder, for a web server without this program."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", type=Path, help="where to write the site; files of a former build are replaced"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        pages = build_site(folder)
        self.stdout.write(f"{pages} pages in {folder}")
