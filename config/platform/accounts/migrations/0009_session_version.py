"""A number that ends all sessions of a person when it grows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_reset_requests")]

    operations = [
        migrations.AddField(
            model_name="user", name="session_version", field=models.IntegerField(default=0)
        ),
    ]
