

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0042_tags'),
        ('segments', '0035_warehouses'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='started_after',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='run',
            name='trigger',
            field=models.CharField(choices=[('manual', 'Manual'), ('command', 'Command line'), ('api', 'REST API'), ('schedule', 'Schedule'), ('retry', 'Retry'), ('system', 'System refresh'), ('after', 'Run after')], max_length=10),
        ),
        migrations.CreateModel(
            name='TriggeredStart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('refreshes', models.BooleanField()),
                ('causes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), size=None)),
                ('export', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='triggered_start', to='exports.export')),
            ],
        ),
        migrations.CreateModel(
            name='RunAfter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('export', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='run_after', to='exports.export')),
                ('predecessor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='exports_after', to='exports.export')),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='exports_after', to='segments.datasource')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('predecessor__isnull', False), ('source', None)), models.Q(('predecessor', None), ('source__isnull', False)), _connector='OR'), name='run_after_names_one_thing'), models.CheckConstraint(condition=models.Q(('predecessor', models.F('export')), _negated=True), name='export_runs_not_after_itself'), models.UniqueConstraint(fields=('export', 'source'), name='run_after_a_source_once'), models.UniqueConstraint(fields=('export', 'predecessor'), name='run_after_an_export_once')],
            },
        ),
    ]
