"""Lives of an export against a simple model of its list, as Hypothesis tries them: what may happen, and what must
hold whatever is edited, canceled, killed or refused in between."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from config.jobs.models import OPEN
from connections.models import Connection
from exports import actions, parting, recording, running
from exports.actions import ExportSettings
from exports.clearing import Clearing
from exports.lines import Lines
from exports.models import Export, Removal, RemovedContact, Run, SyncedContact
from exports.options import RunOptions
from segments.models import Profile, Segment
from tests import exporting
from tests.leaving import adds_up, join, leave, states
from tests.sandbox import RunningSandbox

CROWD = [f"p{n}@example.com" for n in range(6)]
PEOPLE = st.sampled_from(CROWD)
EVERYBODY_AGREED = 1_000_000


class Killed(BaseException):
    """A worker dies here: nothing catches it but the test."""


class ListUnderTest(RuleBasedStateMachine):
    """One export to one list, to which another export sends as well. What the model knows: who was there before,
    who left the list by their own wish, who was deleted by somebody else, and whom the other export sends."""

    account: RunningSandbox
    connection: Connection
    segment: Segment

    def __init__(self) -> None:
        super().__init__()
        name = f"Life {os.urandom(8).hex()}"
        self.list_id = self.account.create_list(name, scope="OnlyThisList", fields=[("Left", "Text")])
        self.export = exporting.export_to(
            self.account,
            self.connection,
            self.segment,
            list_id=self.list_id,
            mapping=[{"attribute": "first_name", "field": "name"}],
            name=name,
        )
        self.other_segment = exporting.segment_of_everyone(f"Others {name}")
        leave(self.other_segment, *CROWD)
        self.other_export = exporting.export_to(
            self.account, self.connection, self.other_segment, list_id=self.list_id, name=f"Other {name}"
        )
        self.chooses(Removal.LEAVE)
        leave(self.segment, *CROWD)
        self.members: set[str] = set()
        self.sent_by_another: set[str] = set()
        self.ever_sent_by_another: set[str] = set()
        self.deleted_by_others: set[str] = set()
        self.ever_deleted_by_others: set[str] = set()
        self.active_before: set[str] = set()
        self.marked_before: set[str] = set()
        self.there_before: set[str] = set()
        self.gone_by_wish: set[str] = set()
        self.ever_members: set[str] = set()

    @initialize()
    def begins_with_some(self) -> None:
        """Few lives would come to it otherwise that somebody is there to whom something happens."""
        for email in CROWD[:3]:
            self.joins(email)
        self.runs()

    # -- what people do ----------------------------------------------------------------------------------------

    @rule(email=PEOPLE)
    def joins(self, email: str) -> None:
        join(self.segment, email)
        self.members.add(email)
        self.ever_members.add(email)

    @rule(email=PEOPLE)
    def leaves(self, email: str) -> None:
        leave(self.segment, email)
        self.members.discard(email)
        self.deleted_by_others.discard(email)

    @rule(email=PEOPLE)
    def changes(self, email: str) -> None:
        profile = Profile.objects.get(attributes__email=email)
        profile.attributes["first_name"] += "!"
        profile.save()

    @rule(email=PEOPLE)
    def signs_up_before_anybody_sends_them(self, email: str) -> None:
        if email not in states(self.account, self.list_id):
            self.account.set_state([email], "Active", self.list_id, joined="2020-01-01 00:00:00")
            self.there_before.add(email)

    @rule(email=PEOPLE)
    def unsubscribes(self, email: str) -> None:
        if states(self.account, self.list_id).get(email) == "Active":
            self.account.set_state([email], "Unsubscribed", self.list_id)
            self.gone_by_wish.add(email)
            self.active_before.discard(email)

    @rule(email=PEOPLE)
    def is_deleted_by_somebody_else(self, email: str) -> None:
        """Whom this export had removed before is left out: nobody could tell who has done it."""
        is_ours = RemovedContact.objects.filter(list_state__list_id=self.list_id, email=email).exists()
        if email in self.members and not is_ours and states(self.account, self.list_id).get(email) == "Active":
            self.account.set_state([email], "Deleted", self.list_id)
            self.deleted_by_others.add(email)
            self.ever_deleted_by_others.add(email)
            self.there_before.discard(email)
            self.active_before.discard(email)

    @rule(email=PEOPLE)
    def joins_the_other_segment(self, email: str) -> None:
        join(self.other_segment, email)
        self.sent_by_another.add(email)
        self.ever_sent_by_another.add(email)
        self.ever_members.add(email)

    @rule(email=PEOPLE)
    def leaves_the_other_segment(self, email: str) -> None:
        leave(self.other_segment, email)
        self.sent_by_another.discard(email)

    @rule()
    def the_other_export_runs(self) -> None:
        self.run_to_its_end(export=self.other_export)

    @rule(removal=st.sampled_from(list(Removal)))
    def chooses(self, removal: Removal) -> None:
        Export.objects.filter(pk=self.export.pk).update(removal=removal, mark_field="[Left]", mark_value="gone")

    # -- runs --------------------------------------------------------------------------------------------------

    @rule()
    def runs(self) -> None:
        self.run_to_its_end()

    @rule()
    def runs_with_everybody(self) -> None:
        self.run_to_its_end(RunOptions(everyone=True))

    @rule(kind=st.sampled_from(["drop", "cut_short", "error", "throttle"]), skip=st.integers(0, 4))
    def runs_in_trouble(self, kind: str, skip: int) -> None:
        rule: dict[str, Any] = {"kind": kind, "path": "/subscribers/", "skip": skip, "times": 2}
        self.account.faults({"rules": [rule | ({"applied": True} if kind != "cut_short" else {})]})
        self.run_to_its_end()

    @rule(step=st.sampled_from(["plan", "send", "receipt"]), skip=st.integers(0, 2))
    def is_killed_and_taken_up_again(self, step: str, skip: int) -> None:
        run = actions.start_run(self.fresh(), by=None, options=self.agreed())
        with dying_at(step, skip):
            self.carry_on(run)
        Run.objects.filter(pk=run.pk).update(lease_until=None, resume_at=None)
        self.carry_on(run)
        self.ended(run)

    @rule(step=st.sampled_from(["plan", "send", "receipt"]), skip=st.integers(0, 2))
    def is_canceled_on_the_way(self, step: str, skip: int) -> None:
        run = actions.start_run(self.fresh(), by=None, options=self.agreed())
        with dying_at(step, skip):
            self.carry_on(run)
        run.refresh_from_db()
        if run.is_open:
            Run.objects.filter(pk=run.pk).update(lease_until=None, resume_at=None)
            actions.cancel_run(run, by=None)
            self.carry_on(run)
        self.ended(run)

    @rule(how=st.sampled_from(list(Removal)), step=st.sampled_from(["plan", "send", "receipt"]))
    def goes_to_another_list_and_comes_back(self, how: Removal, step: str) -> None:
        """The list is cleared meanwhile, by a worker that dies on the way."""
        elsewhere = self.account.create_list(f"Other {os.urandom(8).hex()}", scope="OnlyThisList")
        self.goes_to(elsewhere, Clearing(how, "[Left]", "gone", people=len(CROWD)))
        for run in self.export.runs.filter(clears__isnull=False, status__in=OPEN):
            with dying_at(step, 0):
                self.carry_on(run)
            Run.objects.filter(pk=run.pk).update(lease_until=None)
            self.carry_on(run)
            self.ended(run)
        self.goes_to(self.list_id, Clearing())
        only_ours = self.members - self.sent_by_another
        self.active_before -= only_ours
        self.marked_before |= only_ours
        if how == Removal.DELETE:
            self.deleted_by_others -= self.members  # a delete whose answer is lost may have been the first

    # -- what must hold ----------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_there_by_accident(self) -> None:
        assert set(states(self.account, self.list_id)) <= self.ever_members | self.there_before

    @invariant()
    def whoever_has_unsubscribed_stays_so(self) -> None:
        now = states(self.account, self.list_id)
        assert all(now[email] == "Unsubscribed" for email in self.gone_by_wish)

    @invariant()
    def whoever_was_there_before_is_never_removed(self) -> None:
        now = states(self.account, self.list_id)
        assert all(now[email] == "Active" for email in self.there_before - self.gone_by_wish)
        assert not self.marked() & self.there_before

    @invariant()
    def whoever_was_deleted_by_somebody_else_stays_so(self) -> None:
        now = states(self.account, self.list_id)
        assert all(now[email] == "Deleted" for email in self.deleted_by_others)

    @invariant()
    def nobody_is_removed_whom_the_export_or_another_sends(self) -> None:
        """… and nobody who is sent by none comes onto the list."""
        now, marked = states(self.account, self.list_id), self.marked()
        sent = self.members | self.sent_by_another
        active = {email for email, state in now.items() if state == "Active"}
        assert self.active_before & sent <= active
        assert active - self.active_before <= sent | self.there_before
        assert marked - self.marked_before <= set(CROWD) - sent
        self.active_before, self.marked_before = active, marked

    def teardown(self) -> None:
        """After all that, one quiet run brings the list to where it should be."""
        if self.export.runs.filter(status__in=OPEN).exists():
            return  # it has failed already
        self.account.clear_faults()
        self.chooses(Removal.DELETE)
        self.run_to_its_end()
        now = states(self.account, self.list_id)
        for email in self.members:
            may_be_deleted = {"Deleted"} if email in self.ever_deleted_by_others else set()
            expected = {"Active", "Unsubscribed"} | may_be_deleted
            assert now[email] in expected, (email, now[email])
            assert email not in self.marked()
        ours = SyncedContact.objects.filter(list_state__list_id=self.list_id)
        spared = self.there_before | self.gone_by_wish | self.ever_deleted_by_others | self.ever_sent_by_another
        assert set(ours.values_list("email", flat=True)) <= self.members | spared

    # -- inside ------------------------------------------------------------------------------------------------

    def fresh(self) -> Export:
        self.export.refresh_from_db()
        return self.export

    def goes_to(self, list_id: str, clearing: Clearing) -> None:
        export = self.fresh()
        plain = {
            each.name: getattr(export, each.name) for each in fields(ExportSettings) if each.name != "segments"
        }
        chosen = ExportSettings(segments=[self.segment], **plain | {"list_id": list_id})
        parting.move(export, chosen, clearing, version=export.version, by=None)

    def agreed(self) -> RunOptions:
        """Guards are tried elsewhere: here a person has agreed to all removals."""
        return RunOptions(confirmed_removals=EVERYBODY_AGREED, removal={"how": self.export.removal})

    def marked(self) -> set[str]:
        return {
            person["EmailAddress"]
            for person in self.account.people(self.list_id)
            if any(entry["Key"] == "Left" for entry in person["CustomFields"])
        }

    def run_to_its_end(self, options: RunOptions | None = None, export: Export | None = None) -> None:
        run = actions.start_run(export or self.fresh(), by=None, options=options or self.agreed())
        self.carry_on(run)
        self.account.clear_faults()
        self.ended(run)

    def carry_on(self, run: Run) -> None:
        """As workers do, until the run has ended or one has died."""
        for _look in range(200):
            Run.objects.filter(pk=run.pk).update(resume_at=None)
            run.batches.update(not_before=None)
            try:
                running.carry_on(run.pk)
            except Killed:
                return
            run.refresh_from_db()
            if not run.is_open:
                return
        raise AssertionError(f"still {run.status}: {run.reason} {run.message}")

    def ended(self, run: Run) -> None:
        run.refresh_from_db()
        assert not run.is_open
        assert adds_up(run), vars(run)


@contextmanager
def dying_at(step: str, skip: int) -> Iterator[None]:
    """The worker dies the next time it comes there, after ``skip`` times."""
    places: dict[str, tuple[Any, str]] = {
        "plan": (recording, "intend"),
        "send": (Lines, "send"),
        "receipt": (recording, "record"),
    }
    module, name = places[step]
    real, left = getattr(module, name), [skip]

    def maybe_die(*args: Any, **named: Any) -> Any:
        if left[0] == 0:
            if step == "send":
                real(*args, **named)  # it has arrived, and nobody hears of it
            raise Killed
        left[0] -= 1
        return real(*args, **named)

    with mock.patch.object(module, name, maybe_die):
        yield
