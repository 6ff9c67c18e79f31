"""The field of the tables whose rows have tags."""

from typing import TypeVar

from django.db import models
from django.db.models import QuerySet


class Tagged(models.Model):
    """A row with tags, in the order that the user chose."""

    tags = models.JSONField(default=list, blank=True)

    class Meta:
        abstract = True


TaggedT = TypeVar("TaggedT", bound=Tagged)


def with_tag(rows: "QuerySet[TaggedT]", tag: str) -> "QuerySet[TaggedT]":
    """Filter rows by a tag; an empty one filters nothing."""
    return rows.filter(tags__contains=[tag]) if tag else rows
