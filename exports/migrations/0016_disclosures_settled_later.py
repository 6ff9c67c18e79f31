from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exports", "0015_times_of_stages")]

    operations = [
        migrations.AddField("run", "disclosed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("run", "disclosed_batch", models.IntegerField(db_default=0)),
        # Until now, the transaction that ended a run had written to whom it sent.
        migrations.RunSQL(
            "UPDATE exports_run SET disclosed_at = finished_at WHERE finished_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            "run",
            models.Index(fields=["id"], condition=models.Q(disclosed_at=None), name="run_to_disclose"),
        ),
    ]
