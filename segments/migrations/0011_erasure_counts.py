from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("segments", "0010_fill_stored_emails")]

    operations = [migrations.RenameField("erasure", "figures", "counts")]
