"""Drop the tables of profiles and members, which are in the profile store now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("segments", "0015_fill_profile_store")]

    operations = [migrations.DeleteModel(name="Member"), migrations.DeleteModel(name="Profile")]
