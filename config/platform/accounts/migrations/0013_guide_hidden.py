from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_api_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='guide_hidden',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
