import django.db.models.deletion
from django.db import migrations, models

# Imported addresses were kept among the statuses that a list shows, in place of them.
_MOVE = """
    INSERT INTO exports_importedsuppression (list_state_id, email, imported_at)
    SELECT list_state_id, email, known_since FROM exports_subscriberstatus WHERE source = 'import';
    DELETE FROM exports_subscriberstatus WHERE source = 'import';
"""
_MOVE_BACK = """
    INSERT INTO exports_subscriberstatus (list_state_id, email, code, source, since, run_id, known_since)
    SELECT list_state_id, email, 'imported', 'import', '', 0, imported_at FROM exports_importedsuppression
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET code = excluded.code, source = excluded.source, since = '', run_id = 0;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exports", "0039_list_comparison"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportedSuppression",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "list_state", "email", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("imported_at", models.DateTimeField()),
                (
                    "list_state",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imported",
                        to="exports.liststate",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(_MOVE, _MOVE_BACK),
    ]
