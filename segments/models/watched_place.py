"""Define the folder or bucket that a data source watches, and the files that were seen in it."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.encryption.fields import EncryptedJSONField
from config.platform.jobs import clock
from segments.models.profile import DataSource

FOLDER_INTERVAL: Final = timedelta(seconds=15)
# What users choose from for buckets, where each scan has its price.
BUCKET_INTERVALS: Final = {
    timedelta(minutes=1): _("Once a minute"),
    timedelta(minutes=5): _("Every 5 minutes"),
    timedelta(minutes=15): _("Every 15 minutes"),
    timedelta(hours=1): _("Once an hour"),
    timedelta(hours=6): _("Every 6 hours"),
    timedelta(days=1): _("Once a day"),
}


class PlaceKind(models.TextChoices):
    """The kinds of places that data sources can watch."""

    FOLDER = "folder", _("Folder")
    BUCKET = "bucket", _("Bucket")


class WatchedPlace(models.Model):
    """A folder of the server, or of an S3-compatible bucket, whose files with names of a pattern a data source
    imports, each once."""

    source = models.OneToOneField(DataSource, on_delete=models.CASCADE, related_name="watched_place")
    kind = models.CharField(max_length=8, choices=PlaceKind.choices, default=PlaceKind.FOLDER)
    # A full path, or a prefix in the bucket that is empty or ends with a slash.
    folder = models.CharField(_("folder"), max_length=1024, blank=True)
    pattern = models.CharField(_("pattern"), max_length=200)
    bucket = models.CharField(_("bucket"), max_length=63, blank=True)
    # The address of the server; empty: Amazon S3 in the region.
    endpoint = models.CharField(_("endpoint"), max_length=255, blank=True)
    region = models.CharField(_("region"), max_length=64, blank=True)
    # Whether addresses name the bucket in their path, or in their host.
    is_path_style = models.BooleanField(_("path style"), default=True)
    access_key_id = models.CharField(_("access key ID"), max_length=128, blank=True)
    # {"secret_key": the secret access key, or a reference to it}; None: requests are not signed.
    credentials = EncryptedJSONField(null=True)
    # How long after a scan the next one is due.
    interval = models.DurationField(_("interval"), default=FOLDER_INTERVAL)
    # When it was looked at last; None: it is due.
    scanned_at = models.DateTimeField(null=True)
    # Why it could not be read the last time.
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        if self.is_bucket:
            return f"s3://{self.bucket}/{self.folder}{self.pattern}"
        return f"{self.folder.rstrip('/')}/{self.pattern}"

    @property
    def is_bucket(self) -> bool:
        return self.kind == PlaceKind.BUCKET

    @property
    def schedule_label(self) -> str:
        """Return when files are imported, for users."""
        label = BUCKET_INTERVALS.get(self.interval) if self.is_bucket else None
        return str(label or _("When files arrive"))


class WatchedFile(models.Model):
    """A version of a file in a watched folder or bucket. It is kept as long as the data source, so that the same
    version is never imported twice."""

    place = models.ForeignKey(WatchedPlace, on_delete=models.CASCADE, related_name="files")
    # Below the folder of the place.
    name = models.CharField(max_length=1024)
    # In a folder size and time of change, in a bucket the ETag.
    version = models.CharField(max_length=200)
    size = models.BigIntegerField()
    # Since when it has been seen like this.
    seen_at = models.DateTimeField(default=clock.now)
    # The last import of it; None while it may still be written, and once an old import is deleted.
    job = models.OneToOneField("ImportJob", null=True, on_delete=models.SET_NULL, related_name="watched_file")
    is_taken = models.BooleanField(default=False)
    # When it is tried again, because the bucket could not be reached.
    retry_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["place", "name", "version"], name="one_row_per_version_of_a_file")
        ]

    def __str__(self) -> str:
        return self.name
