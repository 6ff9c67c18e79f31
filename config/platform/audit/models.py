"""Store who changed what, and when, as an append-only audit. It holds no foreign keys, so that entries outlive
their targets; the database refuses to change or delete a row."""

from django.db import models

from config.platform.jobs import clock


class AuditEntry(models.Model):
    at = models.DateTimeField(default=clock.now, db_index=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    # The network address that the request came from; empty for commands, workers and the clock.
    from_address = models.CharField(max_length=45, blank=True, default="")
    action = models.CharField(max_length=60)
    target_kind = models.CharField(max_length=40)
    target_id = models.BigIntegerField(null=True)
    target_name = models.CharField(max_length=200)
    # The version of the target that this change made; None for what has no versions.
    version = models.IntegerField(null=True)
    # {"field": [before, after]}, plain values, never a secret.
    changes = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["target_kind", "target_id", "version"], name="audit_by_target")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.target_kind} “{self.target_name}”"
