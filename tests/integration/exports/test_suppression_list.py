"""Importing a suppression list: its addresses are not sent, until they are removed."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from exports import policies
from exports.actions import suppressions
from exports.models import Export, ListState, StatusSource, SubscriberStatus
from segments.models import ErasedHash, Erasure
from segments.privacy.subjects import hash_of_email
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_list_watch import look_now
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BEN, CID = "ann@example.com", "ben@example.com", "cid@example.com"


def imported() -> set[str]:
    return set(SubscriberStatus.objects.filter(source=StatusSource.IMPORT).values_list("email", flat=True))


def take(export: Export, by: User, content: bytes, *, replaces: bool = False) -> tuple[int, int]:
    done = suppressions.import_list(export, io.BytesIO(content), replaces=replaces, by=by)
    return done.added, done.rows_without_address


@pytest.mark.parametrize(
    ("content", "result"),
    [
        (b"ben@example.com\ncid@example.com\n", (2, 0)),
        (b'Email;Name\r\n BEN@example.com ;Ben\r\nCid@Example.com;"C;id"\r\n', (2, 1)),
        ("\ufeffName,Address\nBén,ben@example.com\n,cid@example.com\n\n".encode(), (2, 1)),
        (b'"Ben"\t"ben@example.com"\nben@example.com\tx\nC\xe9d\tcid@example.com', (2, 0)),
    ],
)
def test_it_takes_the_addresses_of_any_text_file(
    newsletter: Export, bob: User, content: bytes, result: tuple[int, int]
) -> None:
    assert take(newsletter, bob, content) == result
    assert imported() == {BEN, CID}


def test_imported_addresses_are_suppressed_whatever_the_list_says(
    account: RunningSandbox, newsletter: Export, bob: User
) -> None:
    take(newsletter, bob, BEN.encode())
    run = run_to_its_end(newsletter)
    assert (run.delivered, run.still_suppressed) == (2, 1)
    assert BEN not in account.received()
    account.set_state([BEN], "Unsubscribed")
    look_now()
    account.set_state([BEN], "Active")
    look_now()
    assert imported() == {BEN}
    assert run.blocks.get(kind="suppressed").code == "imported"


def test_an_import_adds_or_replaces(newsletter: Export, bob: User) -> None:
    take(newsletter, bob, BEN.encode())
    assert take(newsletter, bob, f"{BEN}\n{CID}".encode()) == (1, 0)
    assert imported() == {BEN, CID}
    assert take(newsletter, bob, ANN.encode(), replaces=True) == (1, 0)
    assert imported() == {ANN}
    assert suppressions.remove_imported(newsletter, by=bob) == 1
    assert run_to_its_end(newsletter).delivered == 3
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"suppressions_imported", "suppressions_removed"} <= actions


def test_erased_people_are_not_imported(newsletter: Export, bob: User, alice: User) -> None:
    erasure = Erasure.objects.create(short_id="1", erased_by=alice, erased_by_name="Alice")
    ErasedHash.objects.create(hash=hash_of_email(BEN), erasure=erasure)
    assert take(newsletter, bob, f"{BEN}\n{CID}".encode()) == (1, 0)
    assert imported() == {CID}


@pytest.mark.parametrize(
    "content", [b"", b"no address\nhere", b"\x00\x01@\xff", b"PK\x03\x04\x00\x00ben@example.com"]
)
def test_a_file_without_addresses_changes_nothing(newsletter: Export, bob: User, content: bytes) -> None:
    take(newsletter, bob, BEN.encode())
    with pytest.raises(policies.Refusal):
        take(newsletter, bob, content, replaces=True)
    assert imported() == {BEN}


def test_it_is_imported_and_removed_on_the_page_of_the_list(bob_client: Client, newsletter: Export) -> None:
    url = reverse("exports:suppressions", args=[newsletter.pk])
    assert bob_client.get(url).status_code == 200
    assert bob_client.post(url, {"file": SimpleUploadedFile("x.csv", b"nothing")}).status_code == 422
    answer = bob_client.post(url, {"file": SimpleUploadedFile("x.csv", b"ben@example.com")})
    assert answer["Location"] == reverse("exports:list_state", args=[newsletter.pk])
    page = bob_client.get(answer["Location"]).content.decode()
    assert "On an imported suppression list." in page
    assert "1 address added." in page
    assert 'id="remove-suppressions"' in bob_client.get(answer["Location"] + "?code=imported").content.decode()
    assert bob_client.post(reverse("exports:remove_suppressions", args=[newsletter.pk])).status_code == 302
    assert (imported(), ListState.objects.count()) == (set(), 1)


def test_viewers_import_nothing(charlie_client: Client, newsletter: Export) -> None:
    assert charlie_client.post(reverse("exports:suppressions", args=[newsletter.pk])).status_code == 403
    assert charlie_client.post(reverse("exports:remove_suppressions", args=[newsletter.pk])).status_code == 403
