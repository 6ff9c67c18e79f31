"""Data sources, and the catalog of the attributes of profiles. The profiles are in the profile store."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock


class AttributeType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    INTEGER = "integer", _("Whole number")
    DATE = "date", _("Date")
    DATETIME = "datetime", _("Date and time")
    BOOLEAN = "boolean", _("Yes/no")
    LIST = "list", _("List")


class ImportMode(models.TextChoices):
    """What an import does with the profiles of its data source that are not in the file: they stay, or leave."""

    UPSERT = "upsert", _("Add and update")
    SNAPSHOT = "snapshot", _("Snapshot")


class DataSource(models.Model):
    """A source of profiles."""

    name = models.CharField(_("name"), max_length=120)
    key_column = models.CharField(_("key column"), max_length=120)
    # The other columns of a key of several columns.
    further_key_columns = models.JSONField(default=list, blank=True)
    # Imports keep it current, so that no page has to count a million rows.
    profile_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    refreshed_at = models.DateTimeField(null=True)
    # The file to read again. Empty when files were uploaded, because uploads are deleted after their import.
    path = models.CharField(max_length=500, blank=True)
    # The attributes in the last file, which decide the segments that depend on this source.
    columns = models.JSONField(default=list)
    mode = models.CharField(max_length=10, choices=ImportMode.choices, default=ImportMode.UPSERT)
    # Whether programs push its profiles through the REST API.
    is_pushed = models.BooleanField(default=False, db_default=False)
    # What users chose of the format of its files; the rest is detected.
    file_format = models.JSONField(default=dict, blank=True)
    # How the columns become attributes, as in column_plan.py; stored after an import.
    column_plans = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="data_source_name_is_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def key_columns(self) -> list[str]:
        """The columns that the key of a profile is joined from, in this order."""
        return [self.key_column, *self.further_key_columns]

    @property
    def key_label(self) -> str:
        """The names of the key columns for users."""
        return ", ".join(self.key_columns)

    @property
    def has_file(self) -> bool:
        return bool(self.path)

    @property
    def has_query(self) -> bool:
        """Return whether its rows come from a database."""
        return hasattr(self, "database_query")

    @property
    def is_watching(self) -> bool:
        """Return whether it imports the files that arrive in a folder or bucket."""
        return hasattr(self, "watched_place")

    @property
    def is_refreshable(self) -> bool:
        """Return whether it can be imported again without an upload."""
        return self.has_file or self.has_query

    @classmethod
    def refreshable(cls) -> "models.QuerySet[DataSource]":
        """Select the data sources that can be imported again without an upload."""
        return cls.objects.filter(~models.Q(path="") | models.Q(database_query__isnull=False))


class DeletedAttribute(models.Model):
    """Columns of the profile store that no attribute of the catalog has any more, and are dropped later. The ID is
    the number of the columns: that of a deleted attribute, or of one that got others."""

    deleted_at = models.DateTimeField(default=clock.now)


class ProfileAttribute(models.Model):
    """An attribute of the catalog: name and type."""

    name = models.CharField(max_length=120)
    data_type = models.CharField(max_length=10, choices=AttributeType.choices)
    # Whether the profile store has a column with the normal form of its email addresses.
    has_emails = models.BooleanField(default=False)
    # Whether it has one with the original texts of values that do not give them back.
    has_originals = models.BooleanField(default=False)
    # Whether the search for customers reads it, if it is a text.
    is_searchable = models.BooleanField(default=True)
    # The number of its columns in the profile store after they were written again; None: its ID.
    column_number = models.BigIntegerField(null=True)
    # Whether numbers are written without quotation marks where the hashes of sent data are computed; None: as its
    # type is. It stays as it was before the type was changed, so that equal values are not sent again.
    has_bare_numbers = models.BooleanField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="attribute_name_is_unique")]

    def __str__(self) -> str:
        return self.name
