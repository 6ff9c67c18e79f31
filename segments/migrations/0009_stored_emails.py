"""Normal forms of email addresses beside the attributes of a profile."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("segments", "0008_times_of_stages"),
    ]

    operations = [
        migrations.AddField(
            model_name="profile",
            name="emails",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
