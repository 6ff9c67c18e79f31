"""Copy profiles and members from PostgreSQL's tables into the profile store, in one commit of the store."""

from django.db import connection, migrations

from segments.store import engine, lake
from segments.store.engine import quoted

_JOB = "migration:segments.0015"
_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}
_CASTS = {"text": "", "number": "::double precision", "date": "::date", "boolean": "::boolean"}


def fill(apps, schema_editor):
    attribute_model, set_model = apps.get_model("segments", "ProfileAttribute"), apps.get_model("segments", "MemberSet")
    segment_model = apps.get_model("segments", "Segment")
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT jsonb_object_keys(emails) FROM segments_profile")
        with_emails = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT last_value FROM segments_profile_id_seq")
        cursor.execute("SELECT setval('segments_profile_ids', %s)", [cursor.fetchone()[0]])
    attribute_model.objects.filter(name__in=with_emails).update(has_emails=True)
    for segment in segment_model.objects.filter(member_set=None).exclude(refreshed_at=None).order_by("pk"):
        size = _count("segments_member", segment.pk)
        segment.member_set = set_model.objects.create(segment=segment, size=size)
        segment.save(update_fields=["member_set"])
    if lake.find_commit(_JOB) is None:
        _copy(list(attribute_model.objects.order_by("pk")), dict(segment_model.objects.exclude(member_set=None).values_list("pk", "member_set")))


def _count(table, segment_id):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE segment_id = %s", [segment_id])
        return cursor.fetchone()[0]


def _copy(attributes, sets):
    duckdb = engine.connect()
    duckdb.execute("ATTACH IF NOT EXISTS '' AS old (TYPE postgres, SECRET catalog, READ_ONLY)")
    try:
        columns, selected = _columns(attributes)
        with lake.writing("add columns") as writer:
            for column in columns:
                writer.execute(f"ALTER TABLE lake.profile ADD COLUMN IF NOT EXISTS {column}")
        with lake.writing(_JOB) as writer:
            query = f"SELECT id, source_id, key, created_at, updated_at{selected} FROM segments_profile ORDER BY id"
            writer.execute(f"INSERT INTO lake.profile BY NAME SELECT * FROM postgres_query('old', {quoted(query)})")
            for segment_id, set_id in sets.items():
                query = f"SELECT profile_id FROM segments_member WHERE segment_id = {int(segment_id)} ORDER BY 1"
                writer.execute(
                    f"INSERT INTO lake.member SELECT {int(set_id)}, * FROM postgres_query('old', {quoted(query)})"
                )
    finally:
        engine.close()


def _columns(attributes):
    columns, selected = [], ""
    for attribute in attributes:
        name, kind = quoted(attribute.name), attribute.data_type
        columns.append(f"a{attribute.pk} {_TYPES[kind]}")
        selected += f", (attributes ->> {name}){_CASTS[kind]} AS a{attribute.pk}"
        if attribute.has_emails:
            columns.append(f"a{attribute.pk}_email VARCHAR")
            selected += f", emails ->> {name} AS a{attribute.pk}_email"
    return columns, selected


class Migration(migrations.Migration):
    # The store has sessions of its own, which see only what is committed.
    atomic = False

    dependencies = [("segments", "0014_profile_store")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=False)]
