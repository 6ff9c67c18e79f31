from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0030_snapshot'),
    ]

    operations = [
        migrations.RenameField('run', 'troubles', 'errors'),
        migrations.RenameField('run', 'rejected_anew', 'newly_rejected'),
        migrations.RenameField('run', 'held_because', 'removal_guard'),
    ]
