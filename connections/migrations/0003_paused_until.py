from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0002_consent_limits_removal")]

    operations = [
        migrations.AddField(
            model_name="connection", name="paused_until", field=models.DateTimeField(null=True)
        ),
    ]
