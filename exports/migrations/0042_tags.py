from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exports", "0041_status_by_code"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="tags",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
