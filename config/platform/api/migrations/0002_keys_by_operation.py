from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep the ID of what a request created in place of the answer, which held rules with personal data."""

    dependencies = [("api", "0001_initial")]

    operations = [
        # Keys last for a day; those there are cannot be assigned to operations, and their answers must go.
        migrations.RunSQL("DELETE FROM api_idempotencykey", migrations.RunSQL.noop),
        migrations.RemoveConstraint("idempotencykey", "idempotency_key_is_unique"),
        migrations.RemoveField("idempotencykey", "status"),
        migrations.RemoveField("idempotencykey", "body"),
        migrations.RemoveField("idempotencykey", "request_hash"),
        migrations.AddField(
            "idempotencykey", "operation", models.CharField(max_length=300, default=""), preserve_default=False
        ),
        migrations.AddField(
            "idempotencykey", "body_hash", models.CharField(max_length=64, default=""), preserve_default=False
        ),
        migrations.AddField("idempotencykey", "created_id", models.BigIntegerField(default=0)),
        migrations.AddConstraint(
            "idempotencykey",
            models.UniqueConstraint(fields=("user", "operation", "key"), name="idempotency_key_is_unique"),
        ),
    ]
