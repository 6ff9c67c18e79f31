"""The normalized emails that are stored beside a profile's attributes."""

from pathlib import Path

import pytest
from django.test import Client

from segments import audience
from segments.models import DataSource, ErasedHash, Erasure, ImportJob
from segments.privacy import subjects
from tests.integration.segments.test_customers import names
from tests.integration.segments.test_import_job import imported
from tests.support import exports
from tests.support.profiles import all_profiles, create_profile

pytestmark = pytest.mark.django_db


def stored() -> dict[str, dict[str, str]]:
    return {profile.key: dict(profile.emails) for profile in all_profiles()}


@pytest.fixture
def people(tmp_path: Path) -> ImportJob:
    rows = ["id,email,backup,note", "1,\u00a0Ann@Example.com,ann@MÜNCHEN.de,call @ nine", "2,no-at-sign,,"]
    return imported(tmp_path / "people.csv", "\n".join([*rows, "3,JOSÉ@example.com,,"]) + "\n")


def test_an_import_stores_them_by_attribute(people: ImportJob) -> None:
    assert stored() == {
        "1": {"email": "ann@example.com", "backup": "ann@xn--mnchen-3ya.de"},
        "2": {},
        "3": {"email": "josé@example.com"},
    }


def test_an_import_replaces_those_of_its_columns(people: ImportJob, tmp_path: Path) -> None:
    imported(tmp_path / "next.csv", "id,email\n1,new@example.com\n3,\n")
    assert stored() == {
        "1": {"email": "new@example.com", "backup": "ann@xn--mnchen-3ya.de"},
        "2": {},
        "3": {},
    }


def test_rows_with_faults_beside_them_keep_theirs(tmp_path: Path) -> None:
    imported(tmp_path / "people.csv", "id,email\n1,ann@example.com\n,cid@example.com\n2,BEN@example.com\n")
    assert stored() == {"1": {"email": "ann@example.com"}, "2": {"email": "ben@example.com"}}


def test_the_quality_of_an_attribute_counts_normal_forms(people: ImportJob) -> None:
    create_profile(DataSource.objects.get(), "4", {"email": "ann@example.com\u200b"})
    found = audience.email_quality("email", [exports.segment_of_everyone().pk])
    assert (found.members, found.filled, found.valid, found.unique) == (4, 4, 2, 1)


@pytest.mark.parametrize(
    "words", ["ANN@example.com", "\ufeffann@example.com", "ann@münchen.de", "ann@xn--mnchen-3ya.de"]
)
@pytest.mark.parametrize("reader", ["bob_client"])
def test_a_search_finds_an_address_in_every_spelling(
    words: str, reader: str, people: ImportJob, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(reader)
    assert names(client, f"?q={words}") == ["1"]


def test_who_was_erased_before_they_were_stored_stays_out(tmp_path: Path) -> None:
    erasure = Erasure.objects.create(short_id="1", erased_by_name="Alice")
    ErasedHash.objects.create(hash=subjects.hash_of_email("info@münchen.de"), erasure=erasure)
    job = imported(tmp_path / "people.csv", "id,email\n1,Info@München.de\n2,ann@example.com\n")
    assert (job.rows_created, job.rows_refused) == (1, 1)
