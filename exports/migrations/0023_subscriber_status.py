"""Which contacts a list keeps out, as the exports to it were told last."""

import django.db.models.deletion
from django.db import migrations, models

_FROM_REJECTIONS = """
    INSERT INTO exports_subscriberstatus (list_state_id, email, code, source, run_id, known_since)
    SELECT DISTINCT ON (known.list_state_id, refused.email)
           known.list_state_id, refused.email, refused.code, 'sending', refused.last_run_id,
           coalesce(run.finished_at, now())
      FROM exports_refused refused JOIN exports_deliveredset known ON known.id = refused.delivered_set_id
      LEFT JOIN exports_run run ON run.id = refused.last_run_id
     WHERE refused."left"
     ORDER BY known.list_state_id, refused.email, refused.last_run_id DESC
"""


class Migration(migrations.Migration):
    dependencies = [("exports", "0022_removals_to_confirm")]

    operations = [
        migrations.CreateModel(
            name="SubscriberStatus",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "list_state", "email", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("code", models.CharField(max_length=40)),
                (
                    "source",
                    models.CharField(choices=[("sending", "Sending"), ("removing", "Removing")], max_length=10),
                ),
                ("run_id", models.BigIntegerField()),
                ("known_since", models.DateTimeField()),
                (
                    "list_state",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="statuses",
                        to="exports.liststate",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(_FROM_REJECTIONS, elidable=True),
    ]
