"""Store the answers to requests with an idempotency key, so that a repeated request is answered alike."""

from django.conf import settings
from django.db import models

from config.platform.jobs import clock


class IdempotencyKey(models.Model):
    """A key that a program sent with a request, and the answer to it; written together with what it did."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    # A hash of method, path and body: another request with the same key is a mistake.
    request_hash = models.CharField(max_length=64)
    status = models.SmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_is_unique")]

    def __str__(self) -> str:
        return self.key
