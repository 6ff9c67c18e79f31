from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("connections", "0004_paused_by_administrator")]

    operations = [
        migrations.RenameField(model_name="connection", old_name="removal_verbs", new_name="removal_choices"),
    ]
