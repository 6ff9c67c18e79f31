from django.db import migrations, models


class Migration(migrations.Migration):
    """Index statuses by code without holding up runs that write them: a list may have millions."""

    atomic = False

    dependencies = [
        ("exports", "0040_imported_suppressions"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                # An earlier version of migration 0037 made it; a migration that broke off leaves an invalid one.
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS status_by_code", migrations.RunSQL.noop
                ),
                migrations.RunSQL(
                    "CREATE INDEX CONCURRENTLY status_by_code"
                    " ON exports_subscriberstatus (list_state_id, code, email)",
                    "DROP INDEX CONCURRENTLY IF EXISTS status_by_code",
                ),
            ],
            state_operations=[
                migrations.AddIndex(
                    model_name="subscriberstatus",
                    index=models.Index(fields=["list_state", "code", "email"], name="status_by_code"),
                ),
            ],
        ),
    ]
