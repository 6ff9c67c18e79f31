"""Failed attempts to sign in, counted per name and per address."""

from django.db import migrations, models

import config.platform.jobs.clock


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_user_version")]
    operations = [
        migrations.CreateModel(
            name="SignInAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_hash", models.CharField(db_index=True, max_length=64)),
                ("address", models.CharField(blank=True, db_index=True, max_length=45)),
                ("at", models.DateTimeField(db_index=True, default=config.platform.jobs.clock.now)),
            ],
        ),
    ]
