"""Define the folder that a data source watches, and the files that were seen in it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from segments.models.profile import DataSource


class WatchedFolder(models.Model):
    """A folder whose files with names of a pattern a data source imports, each once."""

    source = models.OneToOneField(DataSource, on_delete=models.CASCADE, related_name="watched_folder")
    folder = models.CharField(_("folder"), max_length=240)
    pattern = models.CharField(_("pattern"), max_length=200)
    # When it was looked at last; None: it is due.
    scanned_at = models.DateTimeField(null=True)
    # Why it could not be read the last time.
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.folder.rstrip('/')}/{self.pattern}"


class WatchedFile(models.Model):
    """A version of a file in a watched folder, by name, size and time of change. It is kept as long as the data
    source, so that the same version is never imported twice."""

    folder = models.ForeignKey(WatchedFolder, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    modified_ns = models.BigIntegerField()
    # Since when it has been seen like this.
    seen_at = models.DateTimeField(default=clock.now)
    # The import of it; None while it may still be written, and once an old import is deleted.
    job = models.OneToOneField("ImportJob", null=True, on_delete=models.SET_NULL, related_name="watched_file")
    is_taken = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["folder", "name", "size", "modified_ns"], name="one_row_per_version_of_a_file"
            )
        ]

    def __str__(self) -> str:
        return self.name
