"""Static files as they are served: collected, with the hash of their contents in their names."""

import re
from pathlib import Path

from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings


def test_every_file_that_a_page_names_is_collected(
    stranger_client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = django_settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", verbosity=0, interactive=False)
    page = stranger_client.get("/accounts/sign-in/").content.decode()
    named = re.findall(r'/static/([^"]+)', page)
    assert len(named) > 8
    for name in named:
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", name), name
        assert (tmp_path / name).exists()
