"""``manage.py watch_bucket ADDRESS``: let a data source import the files that arrive in a bucket."""

from argparse import ArgumentParser
from datetime import timedelta
from getpass import getpass
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segments.models import DataSource, ImportMode
from segments.models.watched_place import BUCKET_INTERVALS
from segments.sources.data_source import KeyColumnDiffers
from segments.sources.watched_places.actions import stop_watching, watch_bucket
from segments.sources.watched_places.bucket_settings import BucketSettings, normal_endpoint, normal_folder
from segments.sources.watched_places.place import PlaceRefused
from segments.sources.watched_places.places import place_of

_MINUTE = timedelta(minutes=1)


class Command(BaseCommand):
    help = (
        "Let a data source import the files that arrive in an S3-compatible bucket. ADDRESS is such as"
        " s3://bucket/folder. Each version of a file is imported once, by name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", nargs="?", metavar="ADDRESS")
        parser.add_argument("--source", required=True, metavar="NAME", help="the data source")
        parser.add_argument(
            "--pattern", default="*", metavar="PATTERN", help="of file names, such as shop-*.csv or */shop-*.csv"
        )
        parser.add_argument("--endpoint", default="", metavar="URL", help="without it, Amazon S3")
        parser.add_argument("--region", default="", metavar="REGION", help="without it, us-east-1")
        parser.add_argument(
            "--host-style", action="store_true", help="addresses name the bucket in the host, not in the path"
        )
        parser.add_argument("--access-key-id", default="", metavar="ID", help="without it, the bucket is public")
        parser.add_argument(
            "--secret-key",
            metavar="REFERENCE",
            help="env:CREDENTIAL_NAME or file:/path; “ask” asks for it; without it, the stored one",
        )
        parser.add_argument(
            "--every",
            type=int,
            default=5,
            choices=[int(each / _MINUTE) for each in BUCKET_INTERVALS],
            help="minutes between two looks",
        )
        parser.add_argument(
            "--key",
            action="append",
            metavar="COLUMN",
            help="the column that tells people apart; give it again for each further column of the key",
        )
        parser.add_argument("--mode", choices=ImportMode.values, help="as in import_profiles")
        parser.add_argument("--stop", action="store_true", help="stop watching the bucket of the data source")

    def handle(self, *args: Any, **options: Any) -> None:
        source = DataSource.objects.filter(name__iexact=options["source"]).first()
        if options["stop"]:
            if source is None or not source.is_watching or not source.watched_place.is_bucket:
                raise CommandError(_("The data source watches no bucket."))
            stop_watching(source, by=None)
            return
        keys = options["key"] or (source.key_columns if source else [])
        if not options["address"] or not keys:
            raise CommandError(_("Enter the address of a bucket and --key."))
        try:
            watched = watch_bucket(
                _settings(options),
                source_name=options["source"],
                key_columns=keys,
                mode=ImportMode(options["mode"]) if options["mode"] else None,
                by=None,
            )
            count = len(place_of(watched).find_files(watched.pattern))
        except (PlaceRefused, KeyColumnDiffers) as refusal:
            raise CommandError(str(refusal)) from refusal
        sentence = ngettext(
            "%(count)d file matches the pattern now.", "%(count)d files match the pattern now.", count
        )
        self.stdout.write(sentence % {"count": count})


def _settings(options: dict[str, Any]) -> BucketSettings:
    """Read the address of a bucket. Raises CommandError."""
    parts = urlsplit(options["address"])
    if parts.scheme != "s3" or not parts.netloc:
        raise CommandError(_("Enter an address such as s3://bucket/folder."))
    secret = options["secret_key"]
    return BucketSettings(
        bucket=parts.netloc,
        folder=normal_folder(parts.path),
        pattern=options["pattern"].strip(),
        endpoint=normal_endpoint(options["endpoint"]),
        region=options["region"].strip(),
        is_path_style=not options["host_style"],
        access_key_id=options["access_key_id"].strip(),
        secret_key=getpass() if secret == "ask" else secret,  # noqa: S105 - a word
        interval=_MINUTE * options["every"],
    )
