"""Erasures of people. Keyed hashes identify an erased person only to users who already have the address."""

from django.conf import settings
from django.db import models

from config.platform.jobs import clock


class Erasure(models.Model):
    """An erasure of a person: time, user and counts. ``short_id`` is the start of a keyed hash."""

    short_id = models.CharField(max_length=12)
    erased_at = models.DateTimeField(default=clock.now)
    erased_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    erased_by_name = models.CharField(max_length=150)
    # Counts of what was deleted, such as {"profiles": 2}.
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"#{self.short_id}"


class ErasedHash(models.Model):
    """The keyed hash of an erased address, or of an erased key of a data source; imports refuse both."""

    hash = models.UUIDField(primary_key=True)
    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="hashes")

    def __str__(self) -> str:
        return str(self.hash)[:8]
