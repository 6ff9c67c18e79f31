"""The limits of an upload: the server enforces each with a sentence."""

from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from segments.catalog import TooManyAttributes, check_limit
from segments.models import ImportJob, ProfileAttribute

pytestmark = pytest.mark.django_db


def test_a_file_that_is_too_large_is_refused_beside_the_field(bob_client: Client, settings: Settings) -> None:
    settings.MAX_UPLOAD_MB = 1
    file = BytesIO(b"id,name\n" + b"x" * (1 << 20))
    file.name = "people.csv"
    answer = bob_client.post(reverse("segments:upload"), {"file": file})
    assert "The file is larger than 1 MB." in answer.content.decode()
    assert not ImportJob.objects.exists()


def test_attributes_beyond_the_limit_are_refused(settings: Settings) -> None:
    settings.MAX_ATTRIBUTES = 2
    ProfileAttribute.objects.create(name="id", data_type="text")
    check_limit(1)
    with pytest.raises(TooManyAttributes, match="adds 2 attributes to the existing 1"):
        check_limit(2)
