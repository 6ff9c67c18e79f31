from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("exports", "0025_export_list_group")]

    operations = [
        migrations.RenameField("batch", "deed", "operation"),
        migrations.RenameField("removedcontact", "deed", "operation"),
    ]
