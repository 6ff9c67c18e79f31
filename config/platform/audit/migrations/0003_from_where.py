"""Every entry says from where the change came. Adding a column changes no row, so the guard stays on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="from_address",
            field=models.CharField(blank=True, default="", max_length=45),
        ),
    ]
