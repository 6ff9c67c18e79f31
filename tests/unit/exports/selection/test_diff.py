"""The action that a plan gives to each member of the segments, one row for each rule."""

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection as database

from connections.destinations.values import BatchOperation, Concerns
from exports.models import DeliveredSet, Export, Refused, RemovedContact, SyncedContact
from exports.models.snapshot import RunSnapshot
from exports.selection import diff
from exports.selection.diff import UnchangedRows, compute_diff
from exports.state import run_settings
from exports.state.known_list import KnownList
from exports.state.plan_action import PlanAction
from tests.support import exports
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db

ANN = {"email": "ann@example.com", "first_name": "Ann"}
OTHER_EXPORT = 4_711
# Stands for the hash of the data that the member has now.
SAME = "same"
OTHER_DATA = UUID(int=7)


@dataclass(frozen=True)
class Known:
    """What is known of Ann on the list before the plan."""

    contact: str | UUID | None = None  # the hash of the data that were sent last
    sent_by_other: bool = False  # by another export to the list
    own_hash: str | UUID | None = None  # what this export sent before the other
    refused: str | UUID | None = None  # the hash of the data that the list rejected
    retried: bool = False  # a person asked to send rejected contacts again
    suppressed: bool = False  # the list kept the contact out
    removed: BatchOperation | None = None  # by an earlier run
    options: dict[str, Any] = field(default_factory=dict)  # of the run


NOTHING_KNOWN = Known()


class Plan:
    """An export to a list, and the plans that it computes."""

    def __init__(self, members: list[dict[str, Any]], **settings: Any) -> None:
        create_profiles(members)
        segment = exports.segment_of_everyone()
        self.export = Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")
        self.delivered_set = DeliveredSet.objects.create(
            export=self.export, account="campaign_monitor:sandbox", list_id="a" * 32
        )
        self.settings = {
            "segments": [{"id": segment.pk, "name": "Everyone"}],
            "email_attribute": "email",
            "mapping": [{"attribute": "first_name", "field": "name"}],
            "answers": {"consent_to_track": "unchanged"},
            **settings,
        }

    def snapshot(self, **changed: Any) -> RunSnapshot:
        return RunSnapshot.from_json(self.settings | changed)

    def rows(self, **changed: Any) -> list[tuple[str, str, UUID]]:
        """Compute the plan: address, action and hash of each member."""
        all_rows = UnchangedRows.WITHOUT_VALUES
        compute_diff(self.snapshot(**changed), KnownList.of(self.delivered_set), unchanged=all_rows)
        with database.cursor() as cursor:
            cursor.execute("SELECT coalesce(email, ''), action, data_hash FROM plan ORDER BY email, profile_id")
            return list(cursor.fetchall())

    def actions(self, **changed: Any) -> list[str]:
        return [action for _email, action, _hash in self.rows(**changed)]

    def mapped(self) -> list[str | None]:
        """The mapped values in the last plan."""
        return [mapped for _action, mapped in self.actions_and_values()]

    def actions_and_values(self) -> list[tuple[str, str | None]]:
        with database.cursor() as cursor:
            cursor.execute("SELECT action, mapped FROM plan ORDER BY action")
            return list(cursor.fetchall())

    def know(self, known: Known) -> None:
        """Write what is known of Ann before the plan."""
        email, _action, now = self.rows()[0]
        hashes = {SAME: now}
        if known.contact:
            SyncedContact.objects.create(
                list_state=self.delivered_set.list_state,
                email=email,
                data_hash=hashes.get(str(known.contact), known.contact),
                sent_by=OTHER_EXPORT if known.sent_by_other else self.export.pk,
                last_run_id=1,
                other_exports=[self.export.pk] if known.own_hash else None,
                other_hashes=[hashes.get(str(known.own_hash), known.own_hash)] if known.own_hash else None,
            )
        if known.refused:
            Refused.objects.create(
                delivered_set=self.delivered_set,
                email=email,
                data_hash=hashes.get(str(known.refused), known.refused),
                ask_again=known.retried,
                left=known.suppressed,
                last_run_id=1,
            )
        if known.removed:
            RemovedContact.objects.create(
                list_state=self.delivered_set.list_state, email=email, operation=known.removed, run_id=1
            )


# rule, what is known of the contact, the action that follows
BY_WHAT_IS_KNOWN = [
    ("a contact that is not known is added", NOTHING_KNOWN, PlanAction.ADD),
    ("the same data are not sent again", Known(contact=SAME), PlanAction.UNCHANGED),
    ("changed data are sent", Known(contact=OTHER_DATA), PlanAction.UPDATE),
    (
        "data that another export sent last are not sent again",
        Known(SAME, sent_by_other=True),
        PlanAction.UNCHANGED,
    ),
    (
        "data that this export sent, and no other has overwritten, are not sent again",
        Known(OTHER_DATA, sent_by_other=True, own_hash=SAME),
        PlanAction.UNCHANGED,
    ),
    (
        "data that another export has overwritten are sent",
        Known(OTHER_DATA, sent_by_other=True, own_hash=UUID(int=0)),
        PlanAction.UPDATE,
    ),
    ("data that the list rejected are not sent again", Known(refused=SAME), PlanAction.STILL_REFUSED),
    ("changed data of a rejected contact are sent", Known(refused=OTHER_DATA), PlanAction.ADD),
    ("a rejected contact is sent when a person asks for it", Known(refused=SAME, retried=True), PlanAction.ADD),
    (
        "a rejection of the same data counts before what the list holds",
        Known(contact=SAME, refused=SAME),
        PlanAction.STILL_REFUSED,
    ),
    ("a deleted contact is added again", Known(removed=BatchOperation.DELETE), PlanAction.READD),
    ("a marked contact is sent with its mark cleared", Known(removed=BatchOperation.MARK), PlanAction.CLEAR_MARK),
    ("an unsubscribed contact is sent as any other", Known(removed=BatchOperation.UNSUBSCRIBE), PlanAction.ADD),
    (
        "a contact that another export has added again since stays as it is",
        Known(contact=SAME, removed=BatchOperation.DELETE),
        PlanAction.UNCHANGED,
    ),
    ("sending all includes unchanged contacts", Known(SAME, options={"everyone": True}), PlanAction.UPDATE),
    ("sending all includes rejected ones", Known(refused=SAME, options={"everyone": True}), PlanAction.UPDATE),
    (
        "suppressed contacts stay so unless a person asks for it",
        Known(refused=SAME, suppressed=True),
        PlanAction.STILL_REFUSED,
    ),
    (
        "suppressed contacts are subscribed again when a person asks for it",
        Known(refused=SAME, suppressed=True, options={"resubscribe": True}),
        PlanAction.RESUBSCRIBE,
    ),
    (
        "contacts that were rejected for another reason are not subscribed again",
        Known(refused=SAME, options={"resubscribe": True}),
        PlanAction.STILL_REFUSED,
    ),
]


@pytest.fixture(params=["few members", "many members"])
def _number(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list state is read by the addresses of few members, and as a whole for many."""
    if request.param == "many members":
        monkeypatch.setattr(diff, "_FEW", -1)


@pytest.mark.usefixtures("_number")
@pytest.mark.parametrize(("rule", "known", "action"), BY_WHAT_IS_KNOWN, ids=[row[0] for row in BY_WHAT_IS_KNOWN])
def test_action_follows_from_what_is_known_of_the_contact(rule: str, known: Known, action: PlanAction) -> None:
    plan = Plan([ANN])
    plan.know(known)
    assert plan.actions(options=known.options) == [action], rule


# rule, the members in the order of their last update, the actions in the order of addresses
BY_ADDRESS = [
    ("an address that can be delivered to", ["ann@example.com"], [PlanAction.ADD]),
    ("no address", [None], [PlanAction.INVALID]),
    ("an address of blanks", ["  "], [PlanAction.INVALID]),
    ("an address that cannot be delivered to", ["ann(at)example.com"], [PlanAction.INVALID]),
    ("of one address the first by order is sent", ["ann@example.com"] * 2, [PlanAction.DUPLICATE, PlanAction.ADD]),
    (
        "case makes no other address",
        ["ann@example.com", "ANN@Example.com"],
        [PlanAction.DUPLICATE, PlanAction.ADD],
    ),
    (
        "spaces make no other address",
        ["ann@example.com", " ann@example.com"],
        [PlanAction.DUPLICATE, PlanAction.ADD],
    ),
    ("two members without an address are no duplicates", [None, None], [PlanAction.INVALID] * 2),
]


@pytest.mark.parametrize(("rule", "emails", "actions"), BY_ADDRESS, ids=[row[0] for row in BY_ADDRESS])
def test_action_follows_from_the_address(rule: str, emails: list[str | None], actions: list[PlanAction]) -> None:
    assert Plan([{"email": email} for email in emails]).actions() == actions, rule


# rule, the attribute of the members that share an address, the action of the member that would be sent
BY_CONSENT = [
    ("a member who agrees is sent", [True], PlanAction.ADD),
    ("a member who declines is not sent", [False], PlanAction.NO_CONSENT),
    ("a member who says nothing is not sent", [None], PlanAction.NO_CONSENT),
    ("one who declines excludes the address", [False, True], PlanAction.NO_CONSENT),
    ("one who says nothing does not exclude the address", [None, True], PlanAction.ADD),
]


@pytest.mark.parametrize(("rule", "consents", "action"), BY_CONSENT, ids=[row[0] for row in BY_CONSENT])
def test_action_follows_from_the_required_attribute(
    rule: str, consents: list[bool | None], action: PlanAction
) -> None:
    plan = Plan([{"email": "ann@example.com", "agreed": agreed} for agreed in consents])
    assert plan.actions(required_attribute="agreed")[-1] == action, rule


def test_without_a_required_attribute_all_are_sent() -> None:
    assert Plan([{"email": "ann@example.com", "agreed": False}]).actions() == [PlanAction.ADD]


@pytest.mark.parametrize("said", ["yes", "Yes", " y ", "true", "on", "1", True, 1])
def test_an_attribute_that_says_yes_equals_the_fixed_answer(said: object) -> None:
    plan = Plan([ANN | {"tracking": said}])
    (_email, _action, fixed) = plan.rows(answers={"consent_to_track": "yes"})[0]
    (_email, _action, by_attribute) = plan.rows(answers={"consent_to_track": "attribute:tracking"})[0]
    assert by_attribute == fixed


@pytest.mark.parametrize("said", ["no", "", "perhaps", "2", False, 0, None])
def test_all_else_that_an_attribute_says_is_a_no(said: object) -> None:
    plan = Plan([ANN | {"tracking": said}])
    (_email, _action, fixed) = plan.rows(answers={"consent_to_track": "no"})[0]
    (_email, _action, by_attribute) = plan.rows(answers={"consent_to_track": "attribute:tracking"})[0]
    assert by_attribute == fixed


def test_of_several_members_with_one_address_a_single_no_counts() -> None:
    plan = Plan([ANN | {"tracking": "no"}, ANN | {"tracking": "yes"}])
    rows = plan.rows(answers={"consent_to_track": "attribute:tracking"})
    declined = plan.rows(answers={"consent_to_track": "no"})
    assert [row[2] for row in rows] == [row[2] for row in declined]


def test_counts_add_up_to_the_members() -> None:
    plan = Plan([ANN, ANN, {"email": None}, {"email": f"{uuid4()}@example.com"}])
    counts = compute_diff(plan.snapshot(), KnownList.of(plan.delivered_set))
    assert (counts.members, counts.invalid, counts.duplicate, counts.add, counts.to_send) == (4, 1, 1, 2, 2)


def test_the_hash_covers_the_settings_and_the_mapped_values() -> None:
    """The list state keeps it: another one would send every contact again."""
    plan = Plan([ANN | {"first_name": 'Łu"k'}])
    text = run_settings.what_changes_the_list(plan.snapshot()) + '["Łu\\"k"]'
    assert plan.rows()[0][2] == UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_the_hash_tells_how_the_list_gets_blanks(blank: str | None) -> None:
    plan = Plan([ANN | {"first_name": blank}, {"email": "bo@example.com", "first_name": "Bo"}])
    ann, bo = (
        [row[2] for row in rows]
        for rows in zip(*(plan.rows(**blanks(answer)) for answer in ("yes", "no")), strict=True)
    )
    assert ann[0] != ann[1]
    assert bo[0] == bo[1]


def blanks(answer: str) -> dict[str, Any]:
    """Settings with an option that only concerns contacts with a blank among their values."""
    return {"answers": {"clear": answer}, "concerns": {"clear": Concerns.BLANKS}}


def test_answers_of_attributes_follow_the_mapped_values() -> None:
    plan = Plan([ANN | {"tracking": "yes"}])
    by_attribute = {"consent_to_track": "attribute:tracking"}
    plan.rows(answers=by_attribute)
    assert plan.mapped() == ['["Ann", true]']
    plan.rows(answers=by_attribute, mapping=[])
    assert plan.mapped() == ["[true]"]


class TestUnchangedRows:
    """Which rows of unchanged contacts the table has. Ann is unchanged, Bo is new."""

    @pytest.fixture
    def plan(self, monkeypatch: pytest.MonkeyPatch) -> Plan:
        monkeypatch.setattr(diff, "_FEW", -1)
        plan = Plan([ANN, {"email": "bo@example.com", "first_name": "Bo"}, {"email": None}])
        plan.know(Known(contact=SAME))
        return plan

    @pytest.mark.parametrize(
        ("asked", "rows"),
        [
            (UnchangedRows.NONE, [("add", '["Bo"]'), ("invalid", None)]),
            (UnchangedRows.WITHOUT_VALUES, [("add", '["Bo"]'), ("invalid", None), ("unchanged", None)]),
            (UnchangedRows.WITH_VALUES, [("add", '["Bo"]'), ("invalid", "[null]"), ("unchanged", '["Ann"]')]),
        ],
    )
    def test_rows_and_counts(self, plan: Plan, asked: UnchangedRows, rows: list[tuple[str, str | None]]) -> None:
        counts = compute_diff(plan.snapshot(), KnownList.of(plan.delivered_set), unchanged=asked)
        assert plan.actions_and_values() == rows
        assert (counts.members, counts.unchanged, counts.add, counts.invalid) == (3, 1, 1, 1)

    def test_counts_have_contacts_that_are_not_in_the_table_when_others_come_back(self, plan: Plan) -> None:
        RemovedContact.objects.create(
            list_state=plan.delivered_set.list_state,
            email="bo@example.com",
            operation=BatchOperation.DELETE,
            run_id=1,
        )
        counts = compute_diff(plan.snapshot(), KnownList.of(plan.delivered_set))
        assert (counts.unchanged, counts.readd, counts.add) == (1, 1, 0)

    def test_sending_all_has_their_values(self, plan: Plan) -> None:
        compute_diff(plan.snapshot(options={"everyone": True}), KnownList.of(plan.delivered_set))
        assert ("update", '["Ann"]') in plan.actions_and_values()


@pytest.mark.parametrize("seed", range(3))
def test_many_members_are_planned_as_few(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(seed)
    emails = [f"p{number}@example.com" for number in range(20)]
    members = [{"email": chosen.choice([*emails, None, "no address"]), "first_name": "A"} for _ in range(30)]
    plan = Plan(members, removal={"how": "delete"})
    hashes = {email: data_hash for email, _action, data_hash in plan.rows()}
    for email in chosen.sample(emails, 15):
        own = chosen.random() < 0.5
        SyncedContact.objects.create(
            list_state=plan.delivered_set.list_state,
            email=email,
            data_hash=chosen.choice([hashes.get(email, OTHER_DATA), OTHER_DATA]),
            sent_by=plan.export.pk if own else OTHER_EXPORT,
            last_run_id=1,
            other_exports=[OTHER_EXPORT if own else plan.export.pk] if chosen.random() < 0.7 else None,
            other_hashes=[chosen.choice([hashes.get(email, OTHER_DATA), OTHER_DATA])],
        )
    for email in chosen.sample(emails, 5):
        RemovedContact.objects.create(
            list_state=plan.delivered_set.list_state,
            email=email,
            operation=chosen.choice([BatchOperation.MARK, BatchOperation.DELETE]),
            run_id=1,
            exports=[plan.export.pk],
        )

    def planned() -> tuple[object, ...]:
        counts = compute_diff(plan.snapshot(), KnownList.of(plan.delivered_set))
        with database.cursor() as cursor:
            cursor.execute("SELECT * FROM plan WHERE action <> 'unchanged' ORDER BY profile_id")
            rows = cursor.fetchall()
            cursor.execute("SELECT email FROM unplanned ORDER BY email")
            return counts, rows, cursor.fetchall()

    few = planned()
    monkeypatch.setattr(diff, "_FEW", -1)
    assert planned() == few
