import datetime

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat

import config.platform.encryption.fields


def fill_versions(apps, schema_editor):
    """Give each file that was seen in a folder the version that its size and time of change make."""
    text = models.CharField()
    version = Concat(Cast(F("size"), text), Value("-"), Cast(F("modified_ns"), text))
    apps.get_model("segments", "WatchedFile").objects.update(version=version)


class Migration(migrations.Migration):

    dependencies = [
        ("segments", "0029_identity_is_applied"),
    ]

    operations = [
        migrations.RenameModel("WatchedFolder", "WatchedPlace"),
        migrations.RemoveConstraint("WatchedFile", "one_row_per_version_of_a_file"),
        migrations.RenameField("WatchedFile", "folder", "place"),
        migrations.AlterField(
            "WatchedPlace",
            "source",
            models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="watched_place", to="segments.datasource"
            ),
        ),
        migrations.AlterField(
            "WatchedPlace", "folder", models.CharField(blank=True, max_length=1024, verbose_name="folder")
        ),
        migrations.AddField(
            "WatchedPlace",
            "kind",
            models.CharField(choices=[("folder", "Folder"), ("bucket", "Bucket")], default="folder", max_length=8),
        ),
        migrations.AddField("WatchedPlace", "bucket", models.CharField(blank=True, default="", max_length=63, verbose_name="bucket"), preserve_default=False),
        migrations.AddField("WatchedPlace", "endpoint", models.CharField(blank=True, default="", max_length=255, verbose_name="endpoint"), preserve_default=False),
        migrations.AddField("WatchedPlace", "region", models.CharField(blank=True, default="", max_length=64, verbose_name="region"), preserve_default=False),
        migrations.AddField("WatchedPlace", "is_path_style", models.BooleanField(default=True, verbose_name="path style")),
        migrations.AddField("WatchedPlace", "access_key_id", models.CharField(blank=True, default="", max_length=128, verbose_name="access key ID"), preserve_default=False),
        migrations.AddField("WatchedPlace", "credentials", config.platform.encryption.fields.EncryptedJSONField(null=True)),
        migrations.AddField(
            "WatchedPlace",
            "interval",
            models.DurationField(default=datetime.timedelta(seconds=15), verbose_name="interval"),
        ),
        migrations.AlterField("WatchedFile", "name", models.CharField(max_length=1024)),
        migrations.AddField("WatchedFile", "retry_at", models.DateTimeField(null=True)),
        migrations.AddField("WatchedFile", "version", models.CharField(default="", max_length=200), preserve_default=False),
        migrations.RunPython(fill_versions, migrations.RunPython.noop),
        migrations.RemoveField("WatchedFile", "modified_ns"),
        migrations.AddConstraint(
            "WatchedFile",
            models.UniqueConstraint(fields=("place", "name", "version"), name="one_row_per_version_of_a_file"),
        ),
    ]
