"""List state and the audit log over the API."""

import json

import pytest

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from exports.models import (
    DeliveredSet,
    ImportedSuppression,
    ListComparison,
    ListState,
    ListWatch,
    RemovedContact,
    SubscriberStatus,
    SyncedContact,
)
from exports.state.plan_action import UNKNOWN_DATA
from tests.support import exports
from tests.support.api import client_of
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db


@pytest.fixture
def state(alice: User) -> ListState:
    create_profiles([{"email": "ann@example.com"}])
    export = exports.export_to(
        None, exports.sandbox_connection(by=alice), exports.segment_of_everyone(), list_id="a" * 32, by=alice
    )
    known = DeliveredSet.objects.create(
        export=export, account="campaign_monitor:sandbox", list_id="a" * 32, list_title="Newsletter"
    )
    state = known.list_state
    SyncedContact.objects.create(
        list_state=state, email="ann@example.com", data_hash=UNKNOWN_DATA, sent_by=export.pk, last_run_id=3
    )
    SubscriberStatus.objects.create(
        list_state=state,
        email="ben@example.com",
        code="unsubscribed",
        source="sending",
        run_id=3,
        known_since=clock.now(),
    )
    RemovedContact.objects.create(list_state=state, email="cid@example.com", operation="delete", run_id=3)
    return state


def test_a_list_says_how_many_contacts_it_has(charlie: User, state: ListState) -> None:
    client = client_of(charlie)
    (shown,) = client.get("lists", {"list_id": "a" * 32}).json()["items"]
    assert (shown["id"], shown["title"]) == (state.pk, "Newsletter")
    counts = client.get(f"lists/{state.pk}").json()
    assert (counts["on_list"], counts["suppressed"], counts["removed"]) == (1, {"unsubscribed": 1}, 1)
    assert (counts["looked_at"], counts["drift"]) == (None, None)
    now = clock.now()
    ListWatch.objects.create(list_state=state, looked_at=now)
    ListComparison.objects.create(list_state=state, status="successful", finished_at=now, gone=2, not_ours=7)
    counts = client.get(f"lists/{state.pk}").json()
    assert counts["looked_at"] == counts["drift"]["compared_at"]
    assert (counts["drift"]["gone"], counts["drift"]["not_ours"], counts["drift"]["other_data"]) == (2, 7, 0)


def test_imported_suppressions_are_counted_and_streamed(bob: User, state: ListState) -> None:
    ImportedSuppression.objects.create(list_state=state, email="abe@example.com", imported_at=clock.now())
    client = client_of(bob)
    assert client.get(f"lists/{state.pk}").json()["suppressed"] == {"unsubscribed": 1, "imported": 1}
    lines = client.get(f"lists/{state.pk}/contacts", {"state": "suppressed"}).getvalue().splitlines()
    found = [(line["email"], line["code"], line["source"]) for line in map(json.loads, lines)]
    assert found == [
        ("ben@example.com", "unsubscribed", "sending"),
        ("abe@example.com", "imported", "import"),
    ]


def test_a_list_that_is_only_watched_is_not_listed(charlie: User, state: ListState) -> None:
    watched = ListState.objects.create(account="campaign_monitor:sandbox", list_id="b" * 32)
    assert [each["id"] for each in client_of(charlie).get("lists").json()["items"]] == [state.pk]
    assert client_of(charlie).get(f"lists/{watched.pk}").status_code == 404


def test_contacts_are_streamed_by_state_and_that_is_recorded(bob: User, charlie: User, state: ListState) -> None:
    url = f"lists/{state.pk}/contacts"
    found = {}
    for each in ("on_list", "suppressed", "removed"):
        (line,) = client_of(bob).get(url, {"state": each}).getvalue().splitlines()
        found[each] = json.loads(line)["email"]
    assert found == {"on_list": "ann@example.com", "suppressed": "ben@example.com", "removed": "cid@example.com"}
    assert AuditEntry.objects.filter(action="downloaded", actor_id=bob.pk).count() == 3
    assert client_of(charlie).get(url).status_code == 403
    assert client_of(bob, scopes=["read"]).get(url).status_code == 403


def test_the_audit_log_is_for_administrators_the_newest_first(alice: User, bob: User) -> None:
    client = client_of(alice)
    client_of(bob)
    found = client.get("audit", {"target_kind": "apitoken", "limit": 1}).json()
    assert found["items"][0]["actor"] == "Bob Brown"
    second = client.get("audit", {"target_kind": "apitoken", "limit": 1, "cursor": found["next_cursor"]}).json()
    assert second["items"][0]["actor"] == "Alice Adams"
    assert second["next_cursor"] is None
    assert len(client.get("audit", {"actor_id": bob.pk}).json()["items"]) == 1
    assert client_of(bob).get("audit").status_code == 403
    assert client_of(alice, scopes=["read", "personal_data"]).get("audit").status_code == 403
