"""Secrets of second factors were encrypted with a key made from SECRET_KEY; from now on they lie under the keyring.
What SECRET_KEY and its fallbacks cannot read stays: no code fits it, as before, until an administrator resets it."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import migrations
from django.utils.crypto import salted_hmac

from config.platform.encryption import keyring

NAMES = ("secret", "seed")


def under_the_keyring(apps, schema_editor):
    _convert(apps, lambda stored: keyring.encrypt(_keys().decrypt(stored.encode())) if ":" not in stored else stored)


def under_secret_key(apps, schema_editor):
    _convert(apps, lambda stored: _keys().encrypt(keyring.decrypt(stored)).decode() if ":" in stored else stored)


def _convert(apps, anew):
    for authenticator in apps.get_model("mfa", "Authenticator").objects.all():
        try:
            data = authenticator.data
            changed = {name: anew(data[name]) for name in NAMES if data.get(name)}
        except (InvalidToken, keyring.CannotDecrypt):
            continue
        authenticator.data = {**data, **changed}
        authenticator.save(update_fields=["data"])


def _keys():
    return MultiFernet([Fernet(_key_from(secret)) for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])


def _key_from(secret):
    return base64.urlsafe_b64encode(salted_hmac("second factor", b"", secret=secret, algorithm="sha256").digest())


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_sign_in_attempts"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(under_the_keyring, under_secret_key)]
