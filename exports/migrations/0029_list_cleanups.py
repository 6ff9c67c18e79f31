"""Give list cleanups a table of their own, and runs a kind."""

import django.db.models.deletion
from django.db import migrations, models

_COPY = """
    INSERT INTO exports_listcleanup (run_id, delivered_set_id, connection_id)
    SELECT id, clears_id, clears_over_id FROM exports_run WHERE clears_id IS NOT NULL;
    UPDATE exports_run run
       SET kind = 'list_cleanup', account = known.account, list_id = known.list_id
      FROM exports_deliveredset known WHERE known.id = run.clears_id;
    UPDATE exports_run SET kind = 'restore' WHERE options ->> 'restores' IS NOT NULL;
    SET CONSTRAINTS ALL IMMEDIATE;
"""
_COPY_BACK = """
    UPDATE exports_run run SET clears_id = cleanup.delivered_set_id, clears_over_id = cleanup.connection_id
      FROM exports_listcleanup cleanup WHERE cleanup.run_id = run.id;
    SET CONSTRAINTS ALL IMMEDIATE;
"""
_NO_CLEANUP = models.Q(("kind", "list_cleanup"), _negated=True)


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0004_paused_by_administrator"),
        ("exports", "0028_screen_labels"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="kind",
            field=models.CharField(
                choices=[("export", "Export"), ("restore", "Restore"), ("list_cleanup", "List cleanup")],
                default="export",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="ListCleanup",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="cleanup",
                        serialize=False,
                        to="exports.run",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="connections.connection",
                    ),
                ),
                (
                    "delivered_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cleanups",
                        to="exports.deliveredset",
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(model_name="run", name="one_working_run_per_export"),
        migrations.RemoveConstraint(model_name="run", name="one_queued_run_per_export"),
        migrations.RemoveConstraint(model_name="run", name="one_open_clearing_per_set"),
        migrations.RunSQL(_COPY, _COPY_BACK),
        migrations.RemoveField(model_name="run", name="clears"),
        migrations.RemoveField(model_name="run", name="clears_over"),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "processing"), _NO_CLEANUP),
                fields=("export",),
                name="one_working_run_per_export",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "queued"), _NO_CLEANUP),
                fields=("export",),
                name="one_queued_run_per_export",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "list_cleanup"), ("status__in", ("queued", "processing"))),
                fields=("export", "account", "list_id"),
                name="one_open_cleanup_per_list",
            ),
        ),
    ]
