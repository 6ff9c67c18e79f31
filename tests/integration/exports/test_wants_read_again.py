"""Which contacts other exports want is read again before each batch of removals."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from config.platform.jobs import clock
from connections.models import Connection
from exports.models import Batch, Removal, Run
from exports.results import record as results_record
from exports.selection import wants
from exports.state.known_list import KnownList
from segments.models import Segment
from tests.support import exports
from tests.support.members import crowd_of, join, leave, states
from tests.support.profiles import change_all_profiles, change_profile, get_profile
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

PEOPLE = [f"p{n:03}@example.com" for n in range(130)]
FIRST_BATCH, SECOND_BATCH = PEOPLE[:20], PEOPLE[20:25]


def test_a_contact_that_another_export_wants_after_the_first_batch_stays(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = crowd_of(PEOPLE)
    others = exports.segment_of_everyone("Others")
    leave(others, *FIRST_BATCH, *SECOND_BATCH)
    export = export_of(account, crowd, Removal.DELETE)
    export_of(account, others, Removal.LEAVE, list_id=export.list_id, connection=export.connection, name="Other")
    Connection.objects.update(max_in_flight=1)
    run(export)
    leave(crowd, *FIRST_BATCH, *SECOND_BATCH)
    intend = results_record.mark_sending
    intended: list[int] = []

    def join_after_the_first(working: Run, batch_ids: Sequence[int]) -> list[Batch]:
        batches = intend(working, batch_ids)
        if not intended:
            join(others, SECOND_BATCH[0])
            Segment.objects.filter(pk=others.pk).update(refreshed_at=clock.now())
        intended.extend(batch_ids)
        return batches

    monkeypatch.setattr(results_record, "mark_sending", join_after_the_first)
    ended = run(export)
    assert (ended.to_remove, ended.removed) == (24, 24)
    found = states(account, export.list_id)
    assert found[SECOND_BATCH[0]] == "Active"
    assert {found[email] for email in (*FIRST_BATCH, *SECOND_BATCH[1:])} == {"Deleted"}


def test_a_contact_that_joins_while_the_plan_is_written_stays(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refresh ends after the members were read and before the plan is complete."""
    crowd = crowd_of(PEOPLE)
    export = export_of(account, crowd, Removal.UNSUBSCRIBE)
    run(export)
    leave(crowd, *FIRST_BATCH)
    record = wants.record_overwritten

    def join_meanwhile(planned: Run, known: KnownList) -> None:
        join(crowd, FIRST_BATCH[0])
        Segment.objects.filter(pk=crowd.pk).update(refreshed_at=clock.now())
        record(planned, known)

    monkeypatch.setattr(wants, "record_overwritten", join_meanwhile)
    ended = run(export)
    assert (ended.to_remove, ended.removed) == (19, 19)
    found = states(account, export.list_id)
    assert found[FIRST_BATCH[0]] == "Active"
    assert {found[email] for email in FIRST_BATCH[1:]} == {"Unsubscribed"}


def test_a_member_without_consent_is_still_removed(account: RunningSandbox) -> None:
    crowd = crowd_of(PEOPLE)
    export = export_of(account, crowd, Removal.DELETE)
    change_all_profiles(newsletter=True)
    limits = replace(Connection.objects.get().limited, required_attribute="newsletter").keep()
    Connection.objects.update(limits=limits)
    run(export)
    change_profile(get_profile(email=FIRST_BATCH[0]), newsletter=False)
    ended = run(export)
    assert (ended.without_consent, ended.to_remove, ended.removed) == (1, 1, 1)
    assert states(account, export.list_id)[FIRST_BATCH[0]] == "Deleted"
