from pathlib import Path

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def remember_where_files_lie(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Sources read before this was kept: by their last import that went well, unless that was an upload."""
    for source in apps.get_model("segments", "DataSource").objects.all():
        last = source.imports.filter(status__in=("successful", "warnings")).order_by("-id").first()
        if last is not None and Path(settings.UPLOAD_DIR) not in Path(last.path).parents:
            source.path = last.path
            source.save(update_fields=["path"])


class Migration(migrations.Migration):
    dependencies = [("segments", "0004_erasure")]

    operations = [
        migrations.AddField(
            model_name="datasource",
            name="columns",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="datasource",
            name="path",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.RunPython(remember_where_files_lie, migrations.RunPython.noop),
    ]
