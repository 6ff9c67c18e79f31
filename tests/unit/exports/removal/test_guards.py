"""Which guard holds the removals of a run, one row for each rule."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection as database

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.destinations.values import UnsubscribeScope
from exports.models import (
    DeliveredSet,
    Export,
    Origin,
    Removal,
    RemovedContact,
    Run,
    RunKind,
    SyncedContact,
    Trigger,
)
from exports.models.snapshot import RemovalSettings, RunOptions, RunSnapshot, SegmentSnapshot
from exports.removal import removal_plan as removal
from exports.removal.removal_plan import RemovalGuard, Removals
from exports.selection.diff import select_unplanned
from exports.state.known_list import KnownList
from exports.state.plan_action import PlanAction
from segments.models import Segment

pytestmark = pytest.mark.django_db

ACCOUNT, LIST = "campaign_monitor:sandbox", "a" * 32


@dataclass(frozen=True)
class Case:
    """Contacts of the export on the list, how many of them have left, and what else the guards look at."""

    known: int = 100
    left: int = 1
    policy: Removal = Removal.DELETE
    members: int = 80  # of the segment now
    members_before: int = 80  # in the last run that held nothing
    confirmed: int | None = None  # removals that a person has confirmed
    confirmed_policy: Removal | None = None  # and how
    is_cleanup: bool = False
    scope: UnsubscribeScope = UnsubscribeScope.THIS_LIST
    agreed_everywhere: bool = False


RULES = [
    ("a few removals are not held", Case(left=5), ""),
    ("without members who left nothing is held", Case(left=0, members=0), ""),
    ("a fifth of the contacts is not held", Case(known=100, left=20), ""),
    ("more than a fifth of the contacts is held", Case(known=100, left=21), RemovalGuard.MANY),
    ("ten removals are not held, whatever their share", Case(known=12, left=10), ""),
    ("eleven are held where they are more than a fifth", Case(known=12, left=11), RemovalGuard.MANY),
    ("an empty segment holds", Case(left=1, members=0), RemovalGuard.EMPTY),
    ("a segment with half of its members holds", Case(left=1, members=40), RemovalGuard.HALVED),
    ("a segment with more than half of its members does not hold", Case(left=1, members=41), ""),
    ("confirmed removals are not held", Case(left=30, confirmed=30, confirmed_policy=Removal.DELETE), ""),
    ("fewer than confirmed are not held", Case(left=29, confirmed=30, confirmed_policy=Removal.DELETE), ""),
    (
        "more than confirmed are held",
        Case(left=31, confirmed=30, confirmed_policy=Removal.DELETE),
        RemovalGuard.GROWN,
    ),
    (
        "a confirmation of another policy does not count",
        Case(left=30, confirmed=30, confirmed_policy=Removal.MARK),
        RemovalGuard.MANY,
    ),
    (
        "a confirmation counts for an empty segment too",
        Case(left=30, members=0, confirmed=30, confirmed_policy=Removal.DELETE),
        "",
    ),
    (
        "unsubscribing from all lists of the client is held",
        Case(policy=Removal.UNSUBSCRIBE, scope=UnsubscribeScope.ALL_LISTS),
        RemovalGuard.REACH,
    ),
    (
        "unsubscribing from all lists is not held where the settings say so",
        Case(policy=Removal.UNSUBSCRIBE, scope=UnsubscribeScope.ALL_LISTS, agreed_everywhere=True),
        "",
    ),
    ("deleting never reaches other lists", Case(policy=Removal.DELETE, scope=UnsubscribeScope.ALL_LISTS), ""),
    ("a list cleanup may remove ten more than were seen", Case(left=20, confirmed=10, is_cleanup=True), ""),
    (
        "a list cleanup of many more than were seen is held",
        Case(left=21, confirmed=10, is_cleanup=True),
        RemovalGuard.GROWN,
    ),
    ("a list cleanup does not look at segments", Case(left=5, members=0, confirmed=5, is_cleanup=True), ""),
]


def make_run(case: Case) -> tuple[Run, DeliveredSet]:
    """Write the contacts of a case, and the run that plans their removal."""
    segment = Segment.objects.create(name="Readers", member_count=case.members)
    export = Export.objects.create(name="Newsletter", list_id=LIST, email_attribute="email")
    delivered_set = DeliveredSet.objects.create(export=export, account=ACCOUNT, list_id=LIST)
    make: dict[str, Any] = {"export": export, "account": ACCOUNT, "list_id": LIST, "trigger": Trigger.MANUAL}
    before = [SegmentSnapshot(segment.pk, "Readers", case.members_before)]
    ended = {"status": JobStatus.SUCCESSFUL, "finished_at": clock.now()}
    Run.objects.create(number=1, snapshot=RunSnapshot(segments=before), **ended, **make)
    confirmed = {"how": case.confirmed_policy or case.policy} if case.confirmed is not None else None
    run = Run.objects.create(
        number=2,
        status=JobStatus.PROCESSING,
        kind=RunKind.LIST_CLEANUP if case.is_cleanup else RunKind.EXPORT,
        snapshot=RunSnapshot(
            segments=[SegmentSnapshot(segment.pk, "Readers", case.members)],
            removal=RemovalSettings(
                how=case.policy,
                unsubscribe_scope=case.scope,
                unsubscribes_everywhere=case.agreed_everywhere,
            ),
            options=RunOptions(confirmed_removals=case.confirmed, removal=confirmed),
        ),
        **make,
    )
    know_contacts(delivered_set, case.known)
    # Of a list cleanup all contacts leave.
    plan_contacts(case.known if case.is_cleanup else case.left, case.known)
    if case.is_cleanup:
        SyncedContact.objects.exclude(email__in=[address(n) for n in range(case.left)]).delete()
    return run, delivered_set


def address(number: int) -> str:
    return f"p{number}@example.com"


def know_contacts(delivered_set: DeliveredSet, number: int, *, origin: Origin = Origin.ADDED) -> None:
    SyncedContact.objects.bulk_create(
        SyncedContact(
            list_state=delivered_set.list_state,
            email=address(n),
            data_hash="00000000-0000-0000-0000-000000000001",
            sent_by=delivered_set.export_id,
            last_run_id=1,
            origin=origin,
        )
        for n in range(number)
    )


def plan_contacts(first: int, end: int, action: PlanAction = PlanAction.UNCHANGED) -> None:
    """Fill the plan with the contacts that stay members."""
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE plan (email text, action text) ON COMMIT DROP")
        cursor.executemany("INSERT INTO plan VALUES (%s, %s)", [(address(n), action) for n in range(first, end)])


def count_removals(run: Run, delivered_set: DeliveredSet) -> Removals:
    """Count the removals of the plan."""
    select_unplanned(KnownList.of(delivered_set))
    return removal.count_removals(run, delivered_set)


@pytest.mark.parametrize(("rule", "case", "guard"), RULES, ids=[row[0] for row in RULES])
def test_guard_holds_removals_that_look_like_a_mistake(rule: str, case: Case, guard: str) -> None:
    removals = count_removals(*make_run(case))
    expected = Removals(held=case.left, removal_guard=guard) if guard else Removals(to_remove=case.left)
    assert removals == expected, rule


def test_an_export_that_leaves_contacts_on_the_list_removes_none() -> None:
    assert count_removals(*make_run(Case(left=50, policy=Removal.LEAVE))) == Removals()


@pytest.mark.parametrize("has_dates", [False, True])
@pytest.mark.parametrize(
    ("rule", "origin", "without_dates", "with_dates"),
    [
        ("a contact that we added is removed", Origin.ADDED, 1, 1),
        ("a contact that was there before stays", Origin.PRE_EXISTING, 0, 0),
        ("of a contact of unknown origin the date of joining tells, where it can", Origin.UNKNOWN, 0, 1),
    ],
)
def test_only_contacts_that_we_added_are_removed(
    rule: str, origin: Origin, without_dates: int, with_dates: int, has_dates: bool
) -> None:
    run, delivered_set = make_run(Case(left=1))
    first = Run.objects.get(number=1)
    if has_dates:  # the run that sent the contacts first knows the clock of the list
        Run.objects.filter(pk=first.pk).update(snapshot=replace(first.snapshot, clock_there="2026-03-01 12:00:00"))
    SyncedContact.objects.update(origin=origin, added_run_id=first.pk)
    assert count_removals(run, delivered_set).to_remove == (with_dates if has_dates else without_dates), rule


@pytest.mark.parametrize(
    ("rule", "action", "removed"),
    [
        ("an unchanged member stays", PlanAction.UNCHANGED, 0),
        ("a member who was rejected stays", PlanAction.STILL_REFUSED, 0),
        ("a member who is sent stays", PlanAction.UPDATE, 0),
        ("a member without consent is removed", PlanAction.NO_CONSENT, 1),
        ("a member without a usable address is removed", PlanAction.INVALID, 1),
    ],
)
def test_members_that_the_export_wants_stay(rule: str, action: PlanAction, removed: int) -> None:
    run, delivered_set = make_run(Case(known=1, left=1))
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO plan VALUES (%s, %s)", [address(0), action])
    assert count_removals(run, delivered_set).to_remove == removed, rule


@pytest.mark.parametrize(("policy", "removed"), [(Removal.DELETE, 1), (Removal.UNSUBSCRIBE, 1), (Removal.MARK, 0)])
def test_marked_contacts_are_removed_once_the_export_removes(policy: Removal, removed: int) -> None:
    run, delivered_set = make_run(Case(left=0, policy=policy))
    RemovedContact.objects.create(
        list_state=delivered_set.list_state,
        email="marked@example.com",
        operation="mark",
        run_id=1,
        exports=[delivered_set.export_id],
    )
    assert count_removals(run, delivered_set).to_remove == removed


@pytest.mark.parametrize(
    ("origin", "removed"), [(Origin.ADDED, 1), (Origin.PRE_EXISTING, 0), (Origin.UNKNOWN, 0)], ids=str
)
def test_a_mark_that_may_have_landed_late_removes_no_contact_that_was_there_before(
    origin: Origin, removed: int
) -> None:
    run, delivered_set = make_run(Case(left=1))
    SyncedContact.objects.update(origin=origin)
    RemovedContact.objects.create(
        list_state=delivered_set.list_state,
        email=address(0),
        operation="mark",
        run_id=1,
        exports=[delivered_set.export_id],
    )
    assert count_removals(run, delivered_set).to_remove == removed
