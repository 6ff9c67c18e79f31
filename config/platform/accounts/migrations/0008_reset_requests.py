"""Requests for links of forgotten passwords, mailed by a worker."""

from django.db import migrations, models

import config.platform.jobs.clock


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_one_comparison_of_user_names")]

    operations = [
        migrations.CreateModel(
            name="ResetRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254)),
                ("base_url", models.CharField(max_length=300)),
                ("language", models.CharField(blank=True, max_length=10)),
                ("from_address", models.CharField(blank=True, max_length=45)),
                ("asked_at", models.DateTimeField(default=config.platform.jobs.clock.now)),
                ("due_at", models.DateTimeField(db_index=True, default=config.platform.jobs.clock.now)),
            ],
        ),
    ]
