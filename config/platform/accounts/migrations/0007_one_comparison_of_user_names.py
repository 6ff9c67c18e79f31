"""User names are compared by their normal form; attempts to sign in are counted by origin."""

from typing import Any

from django.db import migrations, models

from config.platform.accounts.models import normalize_username


def fill_keys(apps: Any, schema_editor: Any) -> None:
    """Fill the normal forms. Of accounts that have the same one, the oldest keeps it; the others get a key that no
    user name has, so that an administrator has to add them again under another name."""
    taken: set[str] = set()
    users = apps.get_model("accounts", "User").objects
    for pk, username in users.order_by("pk").values_list("pk", "username"):
        key = normalize_username(username)
        key = f"{key} {pk}" if key in taken else key
        taken.add(key)
        users.filter(pk=pk).update(username_key=key)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_kinds_not_heard_of")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="username_key",
            field=models.CharField(default="", editable=False, max_length=600),
            preserve_default=False,
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="username_key",
            field=models.CharField(editable=False, max_length=600, unique=True),
        ),
        migrations.RemoveConstraint(model_name="user", name="user_name_is_unique"),
        migrations.AddField(
            model_name="signinattempt",
            name="device",
            field=models.CharField(blank=True, db_index=True, default="", max_length=64),
        ),
        migrations.AlterField(
            model_name="signinattempt",
            name="address",
            field=models.CharField(blank=True, db_index=True, max_length=49),
        ),
    ]
