"""Add the control groups of exports. Each export that there is gets a salt of its own."""

from django.conf import settings
from django.db import migrations, models

from config.platform.text import address_share


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0005_removal_choices'),
        ('exports', '0032_exclusion_segment'),
        ('segments', '0026_searchable_attributes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='export',
            name='control_field',
            field=models.CharField(blank=True, db_default='', max_length=120),
        ),
        migrations.AddField(
            model_name='export',
            name='control_mode',
            field=models.CharField(choices=[('off', 'No control group'), ('hold_out', 'Hold out'), ('field', 'Write to a field')], db_default='off', default='off', max_length=8),
        ),
        migrations.AddField(
            model_name='export',
            name='control_percentage',
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='export',
            name='control_salt',
            field=models.CharField(default=address_share.new_salt, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='run',
            name='held_out',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='outcome',
            name='kind',
            field=models.CharField(choices=[('invalid', 'Invalid email'), ('duplicate', 'Duplicate email'), ('exclusion', 'In the exclusion segment'), ('no_consent', 'No consent'), ('control', 'In the control group'), ('left', 'Suppressed'), ('rejected', 'Rejected'), ('unknown', 'Unknown'), ('incomplete', 'Delivered without a value'), ('to_remove', 'Removals awaiting confirmation'), ('removed', 'Removed'), ('kept', 'Not removed')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='export',
            constraint=models.CheckConstraint(condition=models.Q(('control_percentage__gte', 0), ('control_percentage__lte', 50)), name='control_group_is_at_most_half'),
        ),
        migrations.RunSQL(
            "UPDATE exports_export SET control_salt = replace(gen_random_uuid()::text, '-', '')",
            migrations.RunSQL.noop,
        ),
    ]
