"""``manage.py watch_folder FOLDER``: let a data source import the files that arrive in a folder."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segments.models import DataSource, ImportMode
from segments.sources.data_source import KeyColumnDiffers
from segments.sources.watched_places.actions import stop_watching, watch_folder
from segments.sources.watched_places.place import PlaceRefused
from segments.sources.watched_places.places import place_of


class Command(BaseCommand):
    help = (
        "Let a data source import the files that arrive in FOLDER, which is in one of SOURCE_FOLDERS. Each file"
        " is imported once, by name, when it has not changed for WATCH_SETTLE_SECONDS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", metavar="FOLDER")
        parser.add_argument("--source", required=True, metavar="NAME", help="the data source")
        parser.add_argument("--pattern", default="*", metavar="PATTERN", help="of file names, such as shop-*.csv")
        parser.add_argument(
            "--key",
            action="append",
            metavar="COLUMN",
            help="the column that tells people apart; give it again for each further column of the key",
        )
        parser.add_argument("--mode", choices=ImportMode.values, help="as in import_profiles")
        parser.add_argument("--stop", action="store_true", help="stop watching the folder of the data source")

    def handle(self, *args: Any, **options: Any) -> None:
        source = DataSource.objects.filter(name__iexact=options["source"]).first()
        if options["stop"]:
            if source is None or not source.is_watching or source.watched_place.is_bucket:
                raise CommandError(_("The data source watches no folder."))
            stop_watching(source, by=None)
            return
        keys = options["key"] or (source.key_columns if source else [])
        if not options["folder"] or not keys:
            raise CommandError(_("Give a folder and --key."))
        try:
            watched = watch_folder(
                source_name=options["source"],
                key_columns=keys,
                folder=options["folder"],
                pattern=options["pattern"],
                mode=ImportMode(options["mode"]) if options["mode"] else None,
                by=None,
            )
        except (PlaceRefused, KeyColumnDiffers) as refusal:
            raise CommandError(str(refusal)) from refusal
        count = len(place_of(watched).find_files(watched.pattern))
        sentence = ngettext(
            "%(count)d file matches the pattern now.", "%(count)d files match the pattern now.", count
        )
        self.stdout.write(sentence % {"count": count})
