"""The contacts of a run, by result."""

import re
import uuid
from typing import Any, cast

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.platform.audit.models import AuditEntry
from exports.actions import runs
from exports.models import Batch, BatchStatus, Export, Run
from exports.reporting.run_contacts import BatchContacts, list_contacts
from exports.results.summary import ContactKind, ResultSummary
from exports.selection import diff
from exports.views.run_contacts import kinds_of
from tests.integration.exports.conftest import run_to_its_end
from tests.support import profiles
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox
from tests.support.summaries import check_pages, check_sums


def people(client: Client, run: Run, query: str) -> str:
    answer = client.get(f"/data/runs/{run.pk}/contacts/?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def ended(newsletter: Export, account: RunningSandbox) -> Run:
    """Ben has unsubscribed; Ann and Cid are delivered; three are not sendable."""
    account.import_people([{"EmailAddress": "ben@example.com"}])
    account.set_state(["ben@example.com"], "Unsubscribed")
    return run_to_its_end(newsletter)


@pytest.fixture
def large(board: Export) -> Run:
    """Make a run of 2,500 contacts in batches of 1,000; the second had two suppressed, and 500 were not sent."""
    run = runs.start_run(board, by=None)
    for number in (1, 2, 3):
        size = 1000 if number < 3 else 500
        ids = range((number - 1) * 1000, (number - 1) * 1000 + size)
        Batch.objects.create(
            run=run,
            number=number,
            label=str(number),
            status=BatchStatus.DONE if number < 3 else BatchStatus.NOT_SENT,
            size=size,
            profile_ids=list(ids),
            emails=[f"p{n:05}@example.com" for n in ids],
            payloads=["{}"] * size,
            hashes=[uuid.UUID(int=0)] * size,
            delivered={1: 1000, 2: 998, 3: 0}[number],
            left=2 if number == 2 else 0,
        )
    for n in (1000, 1999):
        email = f"p{n:05}@example.com"
        run.outcomes.create(batch_number=2, kind="left", profile_id=n, email=email, code="206", message="Left.")
    return run


def test_it_turns_a_stranger_away(stranger_client: Client, large: Run) -> None:
    assert stranger_client.get(f"/data/runs/{large.pk}/contacts/").status_code == 302


def test_it_shows_who_was_delivered(bob_client: Client, ended: Run) -> None:
    shown = people(bob_client, ended, "kind=delivered")
    assert "ann@example.com" in shown
    assert "cid@example.com" in shown
    assert "ben@example.com" not in shown
    assert 'data-total="2"' in shown


def test_it_shows_who_was_left_and_why(bob_client: Client, ended: Run) -> None:
    shown = people(bob_client, ended, "kind=suppressed")
    assert "ben@example.com" in shown
    assert "has unsubscribed" in shown
    assert "206" in shown


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("kind=invalid", 2),
        ("kind=invalid&code=no_email", 1),
        ("kind=duplicate", 1),
        ("kind=planned", 3),
        ("kind=suppressed&q=BEN", 1),
        ("kind=delivered&q=CID", 1),
        ("kind=delivered&q=Cid@EXAMPLE.com%E2%80%8B", 1),
        ("kind=suppressed&q=%EF%BB%BFBen@example.com", 1),
    ],
)
def test_it_shows_as_many_as_the_number_said(bob_client: Client, ended: Run, query: str, total: int) -> None:
    assert f'data-total="{total}"' in people(bob_client, ended, query)


def test_a_contact_without_an_email_is_listed_by_its_key(
    bob_client: Client, charlie_client: Client, ended: Run
) -> None:
    key = profiles.get_profile(first_name="Eve").key
    for client in (bob_client, charlie_client):
        shown = re.sub(r"\s+", " ", people(client, ended, "kind=invalid&code=no_email"))
        assert f'>{key}</a><span class="table__sub">No email</span>' in shown
        assert '<td class="table__word">No usable email or value</td>' in shown
    found = people(bob_client, ended, f"kind=invalid&q={key.lower()}")
    assert 'data-total="1"' in found
    assert f">{key}</a>" in found
    assert key not in people(bob_client, ended, "kind=invalid&q=none-has-it")


@pytest.mark.parametrize("kind", ["rejected", "not_attempted"])
def test_it_says_that_no_contact_is_of_this_kind(bob_client: Client, ended: Run, kind: str) -> None:
    assert "This run has no contacts with this result." in people(bob_client, ended, f"kind={kind}")


def test_it_lists_contacts_for_which_nothing_was_sent(bob_client: Client, newsletter: Export) -> None:
    run_to_its_end(newsletter)
    again = run_to_its_end(newsletter)
    shown = people(bob_client, again, "kind=unchanged&q=CID")
    assert 'data-total="1"' in shown
    assert "cid@example.com" in shown
    assert 'data-total="6"' in people(bob_client, again, "kind=members")


def test_contacts_suppressed_before_are_suppressed_still(bob_client: Client, ended: Run) -> None:
    again = run_to_its_end(ended.export)
    assert (again.left, again.still_suppressed) == (0, 1)
    shown = people(bob_client, again, "kind=suppressed&code=206")
    assert "ben@example.com" in shown
    assert "has unsubscribed" in shown
    check_pages(again, bob_client)


def test_a_run_of_an_earlier_version_says_that_it_stored_no_contacts(bob_client: Client, ended: Run) -> None:
    again = run_to_its_end(ended.export)
    again.blocks.all().delete()
    assert "An earlier version counted these contacts" in people(bob_client, again, "kind=unchanged")


def test_every_summary_of_a_run_says_the_same(alice_client: Client, ended: Run) -> None:
    check_pages(ended, alice_client)


def test_it_does_not_claim_to_know_who_was_new(bob_client: Client, ended: Run) -> None:
    assert "reports the number of new subscribers, not which ones" in people(bob_client, ended, "kind=delivered")
    assert bob_client.get(f"/data/runs/{ended.pk}/contacts/?kind=new").status_code == 404


@pytest.mark.parametrize("kind", ["to_add", "to_update"])
def test_a_run_does_not_list_groups_that_a_preview_alone_knows(bob_client: Client, ended: Run, kind: str) -> None:
    assert ended.to_add
    assert bob_client.get(f"/data/runs/{ended.pk}/contacts/?kind={kind}").status_code == 404
    assert bob_client.get(f"/data/runs/{ended.pk}/contacts/download/?kind={kind}").status_code == 404


@pytest.mark.parametrize(
    ("former", "label"),
    [
        ("left", "Suppressed"),
        ("kept", "Not removed"),
        ("not_sent", "Not attempted"),
        ("still_refused", "Previously rejected"),
        ("to_remove", "Removals awaiting confirmation"),
    ],
)
def test_addresses_of_earlier_versions_list_the_same_contacts(
    bob_client: Client, ended: Run, former: str, label: str
) -> None:
    assert f"<strong>{label}.</strong>" in people(bob_client, ended, f"kind={former}")


def test_contacts_without_a_value_are_part_of_the_delivered() -> None:
    results = ResultSummary(delivered=3, incomplete=1, removed=2)
    shown = {str(part["label"]): part["counts"] for part in kinds_of(results, "Left")}
    assert [count.kind.value for count in cast(Any, shown["Of which"])] == ["incomplete"]
    assert "incomplete" not in [count.kind.value for count in cast(Any, shown["Left"])]


def test_a_download_is_recorded_with_its_filters(bob_client: Client, ended: Run) -> None:
    address = (
        f"/data/runs/{ended.pk}/contacts/download/?kind=left&code=206&field=name&segment=Oslo&q=ann@example.com"
    )
    assert bob_client.get(address).status_code == 200
    asked = {"kind": "suppressed", "code": "206", "field": "name", "segment": "Oslo", "q": "…"}
    assert AuditEntry.objects.get(action="downloaded").changes == {"people": [None, asked]}


def test_a_message_that_quotes_an_address_is_no_reason_of_other_contacts(bob_client: Client, ended: Run) -> None:
    again = run_to_its_end(ended.export)
    ended.outcomes.create(kind="left", code="206", email="z@example.com", message="z@example.com has unsubscribed")
    with CaptureQueriesContext(database) as queries:
        shown = people(bob_client, again, "kind=suppressed")
    assert "z@example.com" not in shown
    assert "has unsubscribed" in shown
    assert sum("MAX(" in query["sql"] and "exports_run" in query["sql"] for query in queries) == 1


def test_it_masks_for_a_viewer_and_lets_them_find_nothing_out(charlie_client: Client, ended: Run) -> None:
    for kind in ("delivered", "suppressed", "invalid", "duplicate"):
        shown = people(charlie_client, ended, f"kind={kind}&q=zzz")
        assert not re.search(r"(ann|ben|cid)@example.com", shown, re.IGNORECASE)
        assert 'data-total="0"' not in shown
        assert "Nothing found" not in shown
        assert 'type="search"' not in shown
    assert "a•••@e•••.com" in people(charlie_client, ended, "kind=delivered")


def test_it_answers_404_for_a_kind_there_is_not(bob_client: Client, large: Run) -> None:
    assert bob_client.get(f"/data/runs/{large.pk}/contacts/?kind=lost").status_code == 404


def test_it_pages_across_batches(large: Run) -> None:
    all_contacts = BatchContacts(large, ContactKind.DELIVERED)
    assert len(all_contacts) == 1998
    seen = [person.email for start in range(0, 1998, 50) for person in all_contacts[start : start + 50]]
    assert len(seen) == len(set(seen)) == 1998
    assert "p01000@example.com" not in seen
    assert seen == sorted(seen)
    assert [person.email for person in all_contacts[999:1001]] == ["p00999@example.com", "p01001@example.com"]


def test_it_finds_people_in_all_batches(large: Run) -> None:
    found = BatchContacts(large, ContactKind.PLANNED, "P0200")
    assert [person.email for person in found[0:20]] == [f"p0200{n}@example.com" for n in range(10)]
    assert len(found) == 10
    assert len(BatchContacts(large, ContactKind.DELIVERED, "p01000@")) == 0


def test_it_knows_who_was_not_sent(large: Run) -> None:
    left_out = BatchContacts(large, ContactKind.NOT_ATTEMPTED)
    assert len(left_out) == 500
    assert left_out[0:1][0].email == "p02000@example.com"


def test_it_takes_the_same_number_of_queries_on_any_page(bob_client: Client, large: Run) -> None:
    shown = people(bob_client, large, "kind=planned&page=30")
    assert "p01450@example.com" in shown
    assert "1,451–1,500 of 2,500" in shown or "1,451" in shown


def test_it_says_when_the_rows_are_gone(bob_client: Client, ended: Run) -> None:
    ended.batches.all().delete()
    assert "Results no longer stored" in people(bob_client, ended, "kind=delivered")


def test_a_nul_character_in_a_filter_ends_in_no_error(alice_client: Client, large: Run) -> None:
    people(alice_client, large, "kind=delivered&code=%00")


def test_unchanged_contacts_of_a_large_segment_are_written_as_blocks(
    newsletter: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_profiles([{"email": "o'neil\"x@example.com"}, {"email": "a+b@example.com"}])
    profiles.add_all_profiles(newsletter.segments.get())
    run_to_its_end(newsletter)
    monkeypatch.setattr(diff, "_FEW", 0)
    again = run_to_its_end(newsletter)
    assert again.unchanged >= 4
    check_sums(again)
    listed = [each.email for each in list_contacts(again, ContactKind.UNCHANGED).all()]
    assert "a+b@example.com" in listed
    assert listed == sorted(listed)


def test_addresses_of_earlier_versions_lead_to_the_contacts(bob_client: Client, ended: Run) -> None:
    former = f"/data/runs/{ended.pk}/people/?kind=rejected"
    assert bob_client.get(former).headers["Location"] == f"/data/runs/{ended.pk}/contacts/?kind=rejected"
    former = f"/data/exports/{ended.export_id}/preview/people/download/?kind=new"
    expected = f"/data/exports/{ended.export_id}/preview/contacts/download/?kind=new"
    assert bob_client.get(former).headers["Location"] == expected


def test_reasons_of_the_destination_are_in_the_language_of_the_reader(bob_client: Client, ended: Run) -> None:
    path = f"/data/runs/{ended.pk}/contacts/?kind=suppressed"
    assert "This subscriber has unsubscribed from the list." in bob_client.get(path).content.decode()
    chinese = bob_client.get(path, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "This subscriber has" not in chinese
    assert "退订" in chinese
