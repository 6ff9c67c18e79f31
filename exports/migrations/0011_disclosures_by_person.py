"""One index of disclosures instead of two, and no look at the list with every person."""

import django.db.models.deletion
from django.db import migrations, models

_FORWARD = """
    ALTER TABLE exports_disclosure DROP CONSTRAINT exports_disclosure_pkey;
    ALTER TABLE exports_disclosure ADD CONSTRAINT exports_disclosure_pkey PRIMARY KEY (person, disclosed_list_id);
    DROP INDEX IF EXISTS exports_disclosure_person_4fdb5616;
"""
_BACKWARD = """
    ALTER TABLE exports_disclosure DROP CONSTRAINT exports_disclosure_pkey;
    ALTER TABLE exports_disclosure ADD CONSTRAINT exports_disclosure_pkey PRIMARY KEY (disclosed_list_id, person);
    CREATE INDEX exports_disclosure_person_4fdb5616 ON exports_disclosure (person);
"""


class Migration(migrations.Migration):
    dependencies = [("exports", "0010_quick_delivery")]

    operations = [
        migrations.AlterField(
            model_name="disclosure",
            name="disclosed_list",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="people",
                to="exports.disclosedlist",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(_FORWARD, _BACKWARD)],
            state_operations=[
                migrations.AlterField(model_name="disclosure", name="person", field=models.UUIDField()),
                migrations.AlterField(
                    model_name="disclosure",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "person", "disclosed_list", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
    ]
