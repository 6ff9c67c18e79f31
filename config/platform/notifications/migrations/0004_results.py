"""Keep the results of a run with a condition, not its removals alone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_screen_labels")]

    operations = [migrations.RenameField("condition", "removals", "results")]
