"""Store idempotency keys with the ID of what a request created, so that a repeat creates nothing again."""

from django.conf import settings
from django.db import models

from config.platform.jobs import clock


class IdempotencyKey(models.Model):
    """A key that a program sent to an operation, and the ID of what that created; written together with it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # The method and the path.
    operation = models.CharField(max_length=300)
    key = models.CharField(max_length=200)
    # Another body with the same key is a mistake.
    body_hash = models.CharField(max_length=64)
    created_id = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "operation", "key"], name="idempotency_key_is_unique")
        ]

    def __str__(self) -> str:
        return self.key
