"""Fill the normal forms of email addresses of the profiles there are, some thousands in each transaction."""

import json

from django.db import migrations

from config.platform.text.addresses import comparable_email


def emails_of(attributes):
    return {
        name: email
        for name, value in attributes.items()
        if isinstance(value, str) and (email := comparable_email(value)) is not None
    }

_PROFILES_A_STEP = 5_000


def fill(apps, schema_editor):
    last = 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT id, attributes::text FROM segments_profile"
                " WHERE id > %s AND strpos(attributes::text, '@') > 0 ORDER BY id LIMIT %s",
                [last, _PROFILES_A_STEP],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            last = rows[-1][0]
            cursor.execute(
                "UPDATE segments_profile profile SET emails = filled.emails::jsonb"
                " FROM unnest(%s::bigint[], %s::text[]) AS filled (id, emails) WHERE profile.id = filled.id",
                [[pk for pk, _ in rows], [json.dumps(emails_of(json.loads(text))) for _, text in rows]],
            )


class Migration(migrations.Migration):
    # Each step is a transaction of its own; an interrupted migration starts over and ends the same.
    atomic = False

    dependencies = [
        ("segments", "0009_stored_emails"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
