"""Data sources, and the people they give."""

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
    DATE = "date", _("Date")
    BOOLEAN = "boolean", _("Yes/no")


class DataSource(models.Model):
    """Where profiles come from."""

    name = models.CharField(_("name"), max_length=120)
    key_column = models.CharField(_("key column"), max_length=120)
    # Kept by the imports, so that no page has to count a million rows.
    profile_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    refreshed_at = models.DateTimeField(null=True)
    # Where its file lies, to be read anew. Empty: its files were uploaded, and those are kept only until they are
    # read.
    path = models.CharField(max_length=500, blank=True)
    # The attributes that the file read last gives: which segments are drawn from it.
    columns = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="data_source_name_is_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def can_be_read_again(self) -> bool:
        return bool(self.path)


class ProfileAttribute(models.Model):
    """The catalogue of attributes: what profiles have, and of which type. A name is what the file calls it."""

    name = models.CharField(max_length=120)
    data_type = models.CharField(max_length=10, choices=AttributeType.choices)

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


class StoredEmails(models.JSONField):
    """Follows ``attributes`` whenever a profile is saved; imports, which write no single profile, fill it
    themselves."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        profile: Profile = model_instance  # type: ignore[assignment]
        profile.emails = emails_of(profile.attributes)
        return super().pre_save(model_instance, add)


class Profile(models.Model):
    """A person we know. ``attributes`` maps names of the catalogue to typed values: text and numbers as they
    are, dates as “YYYY-MM-DD”, yes/no as booleans; what is unknown is absent."""

    # An import locks its source once instead of letting the database look for it with every row, which costs a
    # sixth of the time; the unique constraint below serves as the index.
    source = models.ForeignKey(
        DataSource, on_delete=models.CASCADE, related_name="profiles", db_constraint=False, db_index=False
    )
    key = models.CharField(max_length=200)
    attributes = models.JSONField(default=dict)
    # Normal forms of the addresses among the attributes' values, by the attribute's name.
    emails = StoredEmails(default=dict, db_default={})
    created_at = models.DateTimeField(default=clock.now)
    # The moment of the last import that changed something. Among profiles with one address the latest wins.
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="profile_key_is_unique")]

    def __str__(self) -> str:
        return self.key
