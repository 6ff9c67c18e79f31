"""What a million people cost less with: batches of mapped values, kept uncompressed for the days they live, and
*delivered* without looks at its set."""

import django.db.models.deletion
from django.db import migrations, models

_ARRAYS = ("profile_ids", "emails", "payloads", "hashes")


def _storage(kind: str) -> str:
    columns = ", ".join(f"ALTER COLUMN {column} SET STORAGE {kind}" for column in _ARRAYS)
    return f"ALTER TABLE exports_batch {columns}"


class Migration(migrations.Migration):
    dependencies = [("exports", "0009_retention"), ("connections", "0003_paused_until")]

    operations = [
        migrations.AddField(
            model_name="batch", name="converted", field=models.BooleanField(db_default=True)
        ),
        migrations.RunSQL(_storage("EXTERNAL"), _storage("EXTENDED")),
        migrations.AlterField(
            model_name="delivered",
            name="delivered_set",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="people",
                to="exports.deliveredset",
            ),
        ),
    ]
