"""Data sources, the profiles that they provide, and the catalog of attributes."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email


class AttributeType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    INTEGER = "integer", _("Whole number")
    DATE = "date", _("Date")
    DATETIME = "datetime", _("Date and time")
    BOOLEAN = "boolean", _("Yes/no")
    LIST = "list", _("List")


class DataSource(models.Model):
    """A source of profiles."""

    name = models.CharField(_("name"), max_length=120)
    key_column = models.CharField(_("key column"), max_length=120)
    # Imports keep it current, so that no page has to count a million rows.
    profile_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    refreshed_at = models.DateTimeField(null=True)
    # The file to read again. Empty when files were uploaded, because uploads are deleted after their import.
    path = models.CharField(max_length=500, blank=True)
    # The attributes in the last file, which decide the segments that depend on this source.
    columns = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="data_source_name_is_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def has_file(self) -> bool:
        return bool(self.path)


class ProfileAttribute(models.Model):
    """An attribute of the catalog: name and type."""

    name = models.CharField(max_length=120)
    data_type = models.CharField(max_length=10, choices=AttributeType.choices)
    # Whether the profile store has a column with the normal form of its email addresses.
    has_emails = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="attribute_name_is_unique")]

    def __str__(self) -> str:
        return self.name


def emails_of(attributes: Mapping[str, object]) -> dict[str, str]:
    """Map the names of attributes whose value looks like an address to its comparable form."""
    return {
        name: email
        for name, value in attributes.items()
        if isinstance(value, str) and (email := comparable_email(value)) is not None
    }


def email_sql(attribute: str) -> tuple[str, list[Any]]:
    """Return an SQL expression and parameters for the normalized email of an attribute, over the columns
    ``attributes`` and ``emails``."""
    value = "nullif(lower(btrim(attributes ->> %s, E' \\t\\r\\n')), '')"
    return f"coalesce(emails ->> %s, {value})", [attribute, attribute]


class StoredEmails(models.JSONField):
    """A column that follows ``attributes`` whenever a profile is saved. Imports, which write in bulk, fill it
    themselves."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        profile: Profile = model_instance  # type: ignore[assignment]
        profile.emails = emails_of(profile.attributes)
        return super().pre_save(model_instance, add)


class Profile(models.Model):
    """A person in the data. ``attributes`` maps names to typed values: text and numbers as they are, dates as
    “YYYY-MM-DD”, yes/no as booleans; unknown values are absent."""

    # No foreign key in the database: checking it for every row takes a sixth of an import, which locks its source
    # instead. The unique constraint below serves as the index.
    source = models.ForeignKey(
        DataSource, on_delete=models.CASCADE, related_name="profiles", db_constraint=False, db_index=False
    )
    key = models.CharField(max_length=200)
    attributes = models.JSONField(default=dict)
    # Normalized emails by the name of their attribute.
    emails = StoredEmails(default=dict, db_default={})
    created_at = models.DateTimeField(default=clock.now)
    # The last import that changed the profile. Of profiles with the same email the latest is exported.
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="profile_key_is_unique")]

    def __str__(self) -> str:
        return self.key
