"""Remove texts that were searched for from entries of earlier downloads: they may name a person.

Versions before this one kept the text with the other filters of a download of the record. Only that value is
replaced; the trigger that refuses changes is off inside this transaction alone.
"""

from django.db import migrations

FORWARD = """
    ALTER TABLE audit_auditentry DISABLE TRIGGER audit_is_append_only;
    UPDATE audit_auditentry SET changes = jsonb_set(changes, '{filters,1,text}', '"…"')
        WHERE action = 'downloaded' AND changes #> '{filters,1,text}' IS NOT NULL;
    UPDATE audit_auditentry SET changes = jsonb_set(changes, '{people,1,q}', '"…"')
        WHERE action = 'downloaded' AND changes #> '{people,1,q}' IS NOT NULL;
    ALTER TABLE audit_auditentry ENABLE TRIGGER audit_is_append_only;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_no_emptying")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
