from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exports", "0025_list_group")]

    operations = [
        migrations.RenameField("batch", "deed", "operation"),
        migrations.RenameField("removedcontact", "deed", "operation"),
        migrations.AlterField(
            model_name="syncedcontact",
            name="origin",
            field=models.SmallIntegerField(
                choices=[(0, "Unknown"), (1, "Added"), (2, "Pre Existing")], db_default=0
            ),
        ),
    ]
