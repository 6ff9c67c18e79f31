"""Importing a suppression list: its addresses are not sent, until they are removed."""

import importlib
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email
from exports import policies, tasks
from exports.actions import manage, suppressions
from exports.feedback import suppression_list
from exports.models import Export, ImportedSuppression, ListState, SubscriberStatus, SyncedContact
from segments import hooks
from segments.models import ErasedHash, Erasure
from segments.privacy import erase, subject_access
from segments.privacy.subjects import Scope, hash_of_email
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_list_watch import look_now
from tests.support.profiles import get_profile
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BEN, CID = "ann@example.com", "ben@example.com", "cid@example.com"


def imported() -> set[str]:
    return set(ImportedSuppression.objects.values_list("email", flat=True))


def take(export: Export, by: User, content: bytes, *, replaces: bool = False) -> tuple[int, int]:
    done = suppressions.import_list(export, io.BytesIO(content), replaces=replaces, by=by)
    return done.added, done.rows_without_address


@pytest.mark.parametrize(
    ("content", "result"),
    [
        (b"ben@example.com\ncid@example.com\n", (2, 0)),
        (b'Email;Name\r\n BEN@example.com ;Ben\r\nCid@Example.com;"C;id"\r\n', (2, 1)),
        ("\ufeffName,Address\nBén,ben@example.com\n,cid@example.com\n\n".encode(), (2, 1)),
        (b'ben@example.com,"Ann\nx,Ben\ncid@example.com,"Dan"\n', (2, 1)),
        (b'"Ben,ben@example.com\n"Cid, ""C"",cid@example.com\n', (2, 0)),
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


@pytest.mark.parametrize("is_first", [True, False])
def test_who_left_the_list_stays_suppressed_when_the_imported_list_is_removed(
    is_first: bool, account: RunningSandbox, newsletter: Export, bob: User
) -> None:
    if is_first:
        take(newsletter, bob, BEN.encode())
    account.set_state([BEN], "Unsubscribed")
    look_now()
    take(newsletter, bob, BEN.encode())
    assert run_to_its_end(newsletter).blocks.get(kind="suppressed").code == "imported"
    suppressions.remove_imported(newsletter, by=bob)
    run = run_to_its_end(newsletter)
    assert (run.still_suppressed, run.blocks.get(kind="suppressed").code) == (1, "unsubscribed")
    assert not account.received().get(BEN)


def test_the_look_up_and_the_report_of_a_person_tell_of_an_import(
    newsletter: Export, alice: User, bob: User, bob_client: Client
) -> None:
    run_to_its_end(newsletter)
    take(newsletter, bob, BEN.encode())
    shown = bob_client.post("/data/exports/person/", {"email": BEN}).content.decode()
    assert "On an imported suppression list." in shown
    subject = subject_access.find_subject(get_profile(email=BEN), scope=Scope.ADDRESS, same_key=False)
    report: Any = hooks.personal_data.report(subject)
    (kept_out,) = report["kept_out_by_lists"]
    assert (kept_out["code"], kept_out["source"]) == ("imported", "import")
    erase.erase(get_profile(email=BEN), scope=Scope.ADDRESS, by=alice)
    assert imported() == set()


def test_no_erasure_waits_for_a_whole_import(
    newsletter: Export, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_list, "_BLOCK", 1)
    seen: list[int] = []

    def look_from_outside(text: str) -> str | None:
        with ThreadPoolExecutor(1) as other:
            seen.append(other.submit(_count_imported).result())
        return comparable_email(text)

    monkeypatch.setattr(suppression_list, "comparable_email", look_from_outside)
    take(newsletter, bob, f"{BEN}\n{CID}".encode())
    assert seen == [0, 1]


def _count_imported() -> int:
    try:
        return ImportedSuppression.objects.count()
    finally:
        connection.close()


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


def test_addresses_that_were_kept_among_the_statuses_are_moved(newsletter: Export, bob: User) -> None:
    take(newsletter, bob, BEN.encode())
    take(newsletter, bob, CID.encode())
    state, migration = (
        ListState.objects.get(),
        importlib.import_module("exports.migrations.0040_imported_suppressions"),
    )
    since = clock.now()
    SubscriberStatus.objects.create(
        list_state=state, email=CID, code="deleted", source="poll", run_id=0, known_since=since
    )
    for statement, statuses in ((migration._MOVE_BACK, {BEN: "imported", CID: "imported"}), (migration._MOVE, {})):
        with connection.cursor() as cursor:
            if statuses:
                cursor.execute(statement + "DELETE FROM exports_importedsuppression")
            else:
                cursor.execute(statement)
        assert dict(SubscriberStatus.objects.values_list("email", "code")) == statuses
    assert imported() == {BEN, CID}


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
    answer = bob_client.post(url, {"file": SimpleUploadedFile("x.csv", b"Email\nben@example.com")})
    assert answer["Location"] == reverse("exports:list_state", args=[newsletter.pk])
    page = bob_client.get(answer["Location"]).content.decode()
    assert "1 address added. 1 row has no address." in page
    assert 'id="remove-suppressions"' not in page
    page = bob_client.get(answer["Location"] + "?kind=imported").content.decode()
    for words in (BEN, "On an imported suppression list.", 'id="remove-suppressions"'):
        assert words in page, words
    file = bob_client.get(reverse("exports:list_state_download", args=[newsletter.pk]), {"kind": "imported"})
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[1].startswith(f"{BEN},imported,,20")
    assert bob_client.post(reverse("exports:remove_suppressions", args=[newsletter.pk])).status_code == 302
    assert (imported(), ListState.objects.count()) == (set(), 1)


def test_the_imported_list_is_kept_when_the_last_export_to_the_list_is_removed(
    account: RunningSandbox, newsletter: Export, bob: User, bob_client: Client
) -> None:
    run_to_its_end(newsletter)
    account.set_state([CID], "Unsubscribed")
    look_now()
    url = reverse("exports:remove", args=[newsletter.pk])
    assert "suppression list is kept" not in bob_client.get(url).content.decode()
    take(newsletter, bob, BEN.encode())
    assert "The imported suppression list is kept." in bob_client.get(url).content.decode()
    manage.remove(newsletter, by=bob)
    tasks.forget_unused_lists()
    assert imported() == {BEN}
    assert (SyncedContact.objects.exists(), SubscriberStatus.objects.exists()) == (False, False)


def test_viewers_import_nothing(charlie_client: Client, newsletter: Export) -> None:
    assert charlie_client.post(reverse("exports:suppressions", args=[newsletter.pk])).status_code == 403
    assert charlie_client.post(reverse("exports:remove_suppressions", args=[newsletter.pk])).status_code == 403
