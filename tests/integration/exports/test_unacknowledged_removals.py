"""Removals without an answer, or with half of one: no contact is forgotten, and no other is removed."""

from datetime import datetime, timedelta

import pytest
from django.db.models import F
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from connections import credentials
from connections.destinations.base import Destination
from connections.models import Connection
from exports.models import Export, Removal, Run, SyncedContact
from segments.models import Segment
from tests.support.members import CROWD, join, leave, states
from tests.support.removals import export_of, marks, run
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def test_it_finishes_what_a_dead_worker_left_half_done(
    account: RunningSandbox, crowd: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:3])
    account.faults({"rules": [{"kind": "cut_short", "method": "DELETE", "times": 1, "skip": 1}]})
    ended = run(export)
    assert (ended.removed, ended.kept) == (3, 0)
    join(crowd, *CROWD[:3])
    assert run(export).delivered == 3
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_a_mark_adds_no_contact_to_the_list_though_its_answer_was_lost(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    joined = datetime.fromisoformat(clock_of(export))
    known = SyncedContact.objects.filter(email=CROWD[0])
    known.update(email="moved@example.com")  # whose address has been changed on the list
    late = timedelta(seconds=2)  # lists and clocks keep times in seconds
    wait_until(lambda: datetime.fromisoformat(clock_of(export)) > joined + late)
    leave(crowd, CROWD[0], CROWD[1])
    account.faults({"rules": [{"kind": "cut_short", "path": "import", "times": 1}]})
    ended = run(export)
    assert (ended.removed, ended.kept) == (1, 1)
    assert states(account, export.list_id)["moved@example.com"] == "Deleted"
    assert states(account, export.list_id)[CROWD[1]] == "Active"
    assert marks(account, export.list_id) == {CROWD[1]}


@pytest.mark.parametrize("hours", [0, 10], ids=["a list of the account's own time zone", "a list hours ahead"])
def test_a_mark_that_is_sent_again_removes_no_contact_that_the_export_has_just_added(
    account: RunningSandbox, crowd: Segment, hours: int
) -> None:
    export = export_of(account, crowd, Removal.MARK)
    first = run(export)
    a_moment = timedelta(minutes=1)
    Run.objects.filter(pk=first.pk).update(finished_at=F("finished_at") + a_moment)  # it may as well still go on
    joined = datetime.fromisoformat(clock_of(export)) + a_moment / 2 + timedelta(hours=hours)
    account.set_state(CROWD, "Active", export.list_id, joined=str(joined))
    leave(crowd, *CROWD[:3])
    account.faults({"rules": [{"kind": "cut_short", "path": "import", "times": 1}]})
    assert run(export).removed == 3
    assert set(states(account, export.list_id).values()) == {"Active"}
    assert marks(account, export.list_id) == set(CROWD[:3])


def clock_of(export: Export) -> str:
    assert export.connection is not None
    return export.connection.destination.clock(credentials.access(export.connection))


def delete_without_hearing_of_it(account: RunningSandbox, export: Export) -> None:
    """One of the two who leave is deleted by a run that never learns so, and ends."""
    lost = {"kind": "drop", "method": "DELETE", "times": 1, "applied": True}
    revoked = {"kind": "refuse_credential", "method": "GET", "path": "/subscribers/", "skip": 1, "code": 100}
    account.faults({"rules": [lost, revoked]})
    assert run(export).status == JobStatus.FAILED
    account.clear_faults()
    assert list(states(account, export.list_id).values()).count("Deleted") == 1
    Connection.objects.update(reconnect_reason="")


def test_it_remembers_removals_whose_answer_never_came(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:2])
    delete_without_hearing_of_it(account, export)
    join(crowd, *CROWD[:2])
    run(export)
    assert set(states(account, export.list_id).values()) == {"Active"}


@pytest.mark.parametrize("removal", [Removal.MARK, Removal.DELETE, Removal.UNSUBSCRIBE])
def test_a_contact_that_an_unanswered_call_deleted_comes_back_also_after_a_change_of_policy(
    account: RunningSandbox, crowd: Segment, removal: Removal
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:2])
    delete_without_hearing_of_it(account, export)
    join(crowd, CROWD[1])
    Export.objects.filter(pk=export.pk).update(removal=removal)
    run(export)
    assert states(account, export.list_id)[CROWD[0]] == "Deleted"
    join(crowd, CROWD[0])
    run(export)
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_a_run_that_is_canceled_before_removing_forgets_no_contact(
    account: RunningSandbox, crowd: Segment, settings: Settings
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, CROWD[0])
    assert SyncedContact.objects.count() == 20
    account.faults(
        {"rules": [{"kind": "refuse_credential", "method": "GET", "path": "/subscribers/", "code": 100}]}
    )
    ended = run(export)
    assert (ended.status, ended.not_removed) == (JobStatus.FAILED, 1)
    assert SyncedContact.objects.count() == 20


@pytest.fixture(autouse=True)
def _without_the_look_at_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faults of these tests count requests for subscribers; the check of a list's fields makes some, too."""
    monkeypatch.setattr(
        "connections.destinations.campaign_monitor.destination.CampaignMonitor.empty_fields",
        Destination.empty_fields,
    )
