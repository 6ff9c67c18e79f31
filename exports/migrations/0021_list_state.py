"""What is known of the contacts on a list belongs to the list, and no longer to each export to it.

Where several exports know one contact, the latest run tells which data were sent last, and by which export; of what
the others sent it is not known whether it was written over, so their data count as unknown. Added by one of our
exports wins over found there (the others found it there for that reason), and that over not known. A removal by one
export holds for all of them, and so a contact that another export found deleted for that reason is sent again.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

_STATES = """
    INSERT INTO exports_liststate (account, list_id)
    SELECT DISTINCT account, list_id FROM exports_deliveredset ORDER BY account, list_id;
    UPDATE exports_deliveredset known SET list_state_id = state.id FROM exports_liststate state
     WHERE state.account = known.account AND state.list_id = known.list_id;
    SET CONSTRAINTS ALL IMMEDIATE;
"""

_CONTACTS = """
    CREATE TEMPORARY TABLE alone ON COMMIT DROP AS
    SELECT list_state_id, min(id) AS set_id, min(export_id) AS export_id
      FROM exports_deliveredset GROUP BY list_state_id HAVING count(*) = 1;

    INSERT INTO exports_syncedcontact
           (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id, origin)
    SELECT alone.list_state_id, email, data_hash, alone.export_id, last_run_id, first_run_id, origin
      FROM exports_delivered delivered JOIN alone ON alone.set_id = delivered.delivered_set_id
     ORDER BY alone.list_state_id, email;

    INSERT INTO exports_syncedcontact
           (list_state_id, email, data_hash, sent_by, last_run_id, added_run_id, origin,
            other_exports, other_hashes)
    SELECT list_state_id, email, hashes[1], exports[1], last_run_id, added_run_id, origin,
           nullif(exports[2:], '{}'),
           CASE WHEN cardinality(exports) > 1
                THEN array_fill('00000000-0000-0000-0000-000000000000'::uuid, ARRAY[cardinality(exports) - 1]) END
      FROM (SELECT known.list_state_id, delivered.email,
                   array_agg(delivered.data_hash ORDER BY delivered.last_run_id DESC, known.id DESC) AS hashes,
                   array_agg(known.export_id ORDER BY delivered.last_run_id DESC, known.id DESC) AS exports,
                   max(delivered.last_run_id) AS last_run_id,
                   coalesce(min(nullif(delivered.first_run_id, 0)), 0) AS added_run_id,
                   CASE WHEN bool_or(delivered.origin = 1) THEN 1 WHEN bool_or(delivered.origin = 2) THEN 2
                        ELSE 0 END AS origin
              FROM exports_delivered delivered JOIN exports_deliveredset known ON known.id = delivered.delivered_set_id
             WHERE known.list_state_id NOT IN (SELECT list_state_id FROM alone)
             GROUP BY known.list_state_id, delivered.email) merged
     ORDER BY list_state_id, email;
"""

_REMOVED = """
    INSERT INTO exports_removedcontact (list_state_id, email, deed, mark_field, run_id, exports)
    SELECT DISTINCT ON (known.list_state_id, removed.email)
           known.list_state_id, removed.email, removed.deed, removed.mark_field, removed.run_id,
           array_agg(known.export_id) OVER (PARTITION BY known.list_state_id, removed.email)
      FROM exports_removed removed JOIN exports_deliveredset known ON known.id = removed.delivered_set_id
     ORDER BY known.list_state_id, removed.email, removed.run_id DESC;

    DELETE FROM exports_removedcontact removed USING exports_syncedcontact contact
     WHERE contact.list_state_id = removed.list_state_id AND contact.email = removed.email
       AND contact.last_run_id > removed.run_id AND contact.sent_by <> ALL (removed.exports);

    DELETE FROM exports_refused refused USING exports_removedcontact removed, exports_deliveredset known
     WHERE known.id = refused.delivered_set_id AND removed.list_state_id = known.list_state_id
       AND removed.email = refused.email AND removed.deed = 'delete' AND refused."left"
       AND refused.last_run_id > removed.run_id AND known.export_id <> ALL (removed.exports);
"""

CARRY_OVER = _STATES + _CONTACTS + _REMOVED


class Migration(migrations.Migration):
    dependencies = [("exports", "0020_unknown_results")]

    operations = [
        migrations.CreateModel(
            name="ListState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", models.CharField(max_length=80)),
                ("list_id", models.CharField(max_length=64)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "list_id"), name="one_state_per_list")],
            },
        ),
        migrations.CreateModel(
            name="RemovedContact",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "list_state", "email", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "list_state",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="removed", to="exports.liststate"
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("deed", models.CharField(max_length=12)),
                ("mark_field", models.CharField(blank=True, max_length=120)),
                ("run_id", models.BigIntegerField()),
                (
                    "exports",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SyncedContact",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "list_state", "email", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "list_state",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contacts",
                        to="exports.liststate",
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("data_hash", models.UUIDField()),
                ("sent_by", models.BigIntegerField()),
                ("last_run_id", models.BigIntegerField()),
                ("added_run_id", models.BigIntegerField(db_default=0)),
                (
                    "origin",
                    models.SmallIntegerField(
                        choices=[(0, "Unknown"), (1, "Brought"), (2, "Found There")], db_default=0
                    ),
                ),
                (
                    "other_exports",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), null=True, size=None
                    ),
                ),
                (
                    "other_hashes",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None),
                ),
                (
                    "unwanted_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), null=True, size=None
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="deliveredset",
            name="list_state",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sets",
                to="exports.liststate",
            ),
        ),
        migrations.RunSQL(CARRY_OVER, elidable=True),
        migrations.AlterField(
            model_name="deliveredset",
            name="list_state",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="sets", to="exports.liststate"
            ),
        ),
        migrations.DeleteModel(name="Delivered"),
        migrations.DeleteModel(name="Removed"),
    ]
