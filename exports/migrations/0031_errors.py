from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0030_snapshot'),
    ]

    operations = [
        migrations.RenameField('run', 'troubles', 'errors'),
    ]
