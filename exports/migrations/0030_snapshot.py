from django.db import migrations

import exports.models.snapshot


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0029_list_cleanups'),
    ]

    operations = [
        migrations.RenameField('run', 'frozen', 'snapshot'),
        migrations.AlterField(
            'run', 'snapshot', exports.models.snapshot.SnapshotField(default=exports.models.snapshot.RunSnapshot)
        ),
    ]
