"""TRUNCATE fires no trigger for rows: it is refused as a whole."""

from django.db import migrations

FORWARD = """
    CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON audit_auditentry
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARD = "DROP TRIGGER audit_is_never_emptied ON audit_auditentry;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_from_where")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
