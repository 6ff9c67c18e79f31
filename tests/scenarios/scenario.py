"""One scenario: steps drawn from a seed, played on the product and told to the model, and compared after each."""

import random
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta

from exports.clearing import Clearing
from exports.models import Removal, Run
from tests.sandbox import RunningSandbox
from tests.scenarios.model import (
    ACTIVE,
    BOUNCED,
    DELETE,
    DELETED,
    LEAVE,
    MARK,
    NEVER_THERE,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    Allowed,
    ExportModel,
    ListModel,
    Record,
    RunOptions,
)
from tests.scenarios.stage import ANY_NUMBER, Stage
from tests.scenarios.workers import HELD, HeldWorker, Requests, Trouble

EMAILS = [f"p{number}@example.com" for number in range(10)]
FIELDS = (("name",), ("city",), ("name", "city"))
REMOVALS = (LEAVE, MARK, DELETE, DELETE, UNSUBSCRIBE)
# How many requests pass before a worker meets its trouble.
_SKIPPED = (0, 0, 1, 1, 2, 3, 4, 5)
_WITHIN_LATE_WINDOW = timedelta(seconds=30)
_PAUSES = (timedelta(seconds=20), timedelta(hours=1), timedelta(days=3))


class Differs(AssertionError):
    """The list is not as the model has it; says which address, and what happened until then."""


class Scenario:
    """Plays steps until their number is reached, then lets every export run until nothing changes."""

    def __init__(self, sandbox: RunningSandbox, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        scope = self.chance.choice(("OnlyThisList", "AllClientLists"))
        self.stage = Stage(sandbox, EMAILS, scope=scope)
        self.model = ListModel(EMAILS, minds_suppressions=scope == "AllClientLists")
        self.model.profiles = {email: {"name": "A", "city": "A"} for email in EMAILS}
        self.requests = Requests()
        self.held: list[tuple[int, HeldWorker]] = []
        self.inactive: set[int] = set()
        self.was_disturbed = False
        self.story: list[str] = []
        self.numbers = 0
        self.tell(f"The list has the setting {scope}.")
        for _export in range(self.chance.choice((2, 3))):
            self.add_export()

    def play(self, steps: int) -> None:
        """Play so many steps and the end. Raises Differs."""
        with self.requests.watched(), self.stage.clocks():
            try:
                for _step in range(steps):
                    step = self.chance.choices(self.steps(), weights=self.weights())[0]
                    step()
                    self.compare()
                self.end()
            except Exception as error:
                raise Differs(self.explain(error)) from error

    # -- steps -------------------------------------------------------------------------------------------------

    def steps(self) -> list[Callable[[], None]]:
        return [step for step, _weight in self._weighted()]

    def weights(self) -> list[int]:
        return [weight for _step, weight in self._weighted()]

    def _weighted(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self.a_contact_joins, 8),
            (self.a_contact_leaves, 8),
            (self.a_profile_changes, 6),
            (self.a_segment_is_cut, 2),
            (self.a_contact_signs_up, 6),
            (self.a_contact_is_lost, 6),
            (self.a_contact_is_suppressed, 2),
            (self.time_passes, 5),
            (self.an_export_runs, 26),
            (self.an_export_runs_in_trouble, 20),
            (self.a_held_worker_goes_on, 8 if self.held else 0),
            (self.a_policy_changes, 3),
            (self.an_export_is_deactivated_or_activated, 2),
            (self.an_export_is_removed, 2 if len(self.model.exports) > 1 else 0),
            (self.add_export, 3 if len(self.model.exports) < 3 else 0),
        ]

    def add_export(self) -> None:
        self.numbers += 1
        members = set(self.chance.sample(EMAILS, self.chance.randint(4, 8)))
        model = ExportModel(
            self.numbers,
            self.chance.choice(FIELDS),
            self.chance.choice(REMOVALS),
            resubscribes=self.chance.random() < 0.3,
            members=members,
        )
        self.tell(
            f"Export {model.number} is set up: it sends {', '.join(model.fields)} of {_short(members)};"
            f" contacts who leave: {model.removal}."
        )
        self.model.exports[model.number] = model
        self.stage.add_export(model)

    def a_contact_joins(self) -> None:
        export, email = self.an_export(), self.an_email()
        self.tell(f"{email} joins the segment of export {export.number}.")
        export.members.add(email)
        self.stage.join(export, email)

    def a_contact_leaves(self) -> None:
        export = self.an_export()
        email = self.chance.choice(sorted(export.members) or EMAILS)
        self.tell(f"{email} leaves the segment of export {export.number}.")
        export.members.discard(email)
        self.stage.leave(export, email)

    def a_profile_changes(self) -> None:
        email, attribute = self.an_email(), self.chance.choice(("name", "city"))
        value = self.chance.choice("ABCDEFGH")
        self.tell(f"{email} has the {attribute} {value} from now on.")
        self.model.profiles[email][attribute] = value
        self.stage.change(email, "first_name" if attribute == "name" else attribute, value)

    def a_segment_is_cut(self) -> None:
        export = self.an_export()
        members = sorted(export.members)
        gone = members if self.chance.random() < 0.5 else self.chance.sample(members, (len(members) + 1) // 2)
        self.tell(f"{_short(gone)} leave the segment of export {export.number} at once.")
        export.members.difference_update(gone)
        self.stage.leave(export, *gone)

    def a_contact_signs_up(self) -> None:
        email = self.an_email()
        self.pass_time(timedelta(hours=1))
        self.tell(f"{email} signs up at the vendor.")
        self.stage.suppress(email, is_suppressed=False)
        if self.model.contacts[email].record.state != ACTIVE:
            self.stage.vendor(email, ACTIVE)
        self.model.signs_up(email)
        self.pass_time(timedelta(hours=1))

    def a_contact_is_lost(self) -> None:
        active = [email for email in EMAILS if self.model.contacts[email].record.state == ACTIVE]
        if not active:
            return
        email, state = self.chance.choice(active), self.chance.choice((UNSUBSCRIBED, BOUNCED, DELETED))
        self.tell(f"{email} is {state} at the vendor.")
        self.stage.vendor(email, state)
        self.model.leaves(email, state)

    def a_contact_is_suppressed(self) -> None:
        email = self.an_email()
        if self.model.contacts[email].record.state == NEVER_THERE:
            return
        self.tell(f"{email} is put on the suppression list.")
        self.stage.suppress(email, is_suppressed=True)
        self.model.contacts[email].is_suppressed = True

    def time_passes(self) -> None:
        self.pass_time(self.chance.choice(_PAUSES))

    def a_policy_changes(self) -> None:
        export = self.an_export()
        export.removal = self.chance.choice(REMOVALS)
        self.tell(f"Export {export.number} does this with contacts who leave: {export.removal}.")
        self.stage.choose_removal(export)

    def an_export_is_deactivated_or_activated(self) -> None:
        export = self.an_export()
        if export.number in self.inactive:
            self.tell(f"Export {export.number} is active again.")
            self.inactive.discard(export.number)
            self.stage.activate(export)
        else:
            self.tell(f"Export {export.number} is deactivated.")
            self.inactive.add(export.number)
            self.stage.deactivate(export)

    def an_export_is_removed(self) -> None:
        export = self.an_export()
        if export.number in self.inactive:
            return
        while self.held:  # their runs go with the export
            self.a_held_worker_goes_on()
        release = self.chance.choice((True, False))
        self.tell(f"Export {export.number} is removed, and its contacts are {'released' if release else 'kept'}.")
        if release:
            export.removal, export.members = DELETE, set()
            allowed = self.model.run(export, RunOptions(confirmed=True))
            self.stage.remove_export(export, Clearing(Removal.DELETE, people=ANY_NUMBER))
            self.settle(export, RunOptions(confirmed=True), allowed, is_disturbed=False)
        else:
            self.stage.remove_export(export)
        self.model.remove_export(export.number)

    # -- runs --------------------------------------------------------------------------------------------------

    def an_export_runs(self) -> None:
        export = self.an_export()
        asked = self.options(export)
        if export.number in self.inactive:
            return
        self.tell(f"Export {export.number} runs{_words(asked)}.")
        self.run(export, asked)

    def run(self, export: ExportModel, asked: RunOptions) -> Run:
        allowed = self.model.run(export, asked)
        run = self.stage.start_run(export, asked)
        assert self.stage.carry_on(run)
        self.ended(export, run)
        removed = self.settle(export, asked, allowed, is_disturbed=False)
        # Where an earlier answer was lost, the run that finds contacts removed already counts them.
        assert run.removed == removed or (self.was_disturbed and run.removed > removed), (
            f"The run says that it removed {run.removed} contacts; it removed {removed}."
        )
        return run

    def an_export_runs_in_trouble(self) -> None:
        export = self.an_export()
        asked = self.options(export)
        trouble, skip = self.chance.choice(list(Trouble)), self.chance.choice(_SKIPPED)
        if export.number in self.inactive or (trouble in HELD and len(self.held) > 1):
            return
        self.tell(
            f"Export {export.number} runs{_words(asked)}; after {skip} requests, its worker {trouble.value}."
        )
        self.was_disturbed = True
        allowed = self.model.run(export, asked)
        run = self.stage.start_run(export, asked)
        if trouble in HELD:
            self.hold(export, run, trouble, skip)
        else:
            self.requests.meet(trouble, skip)
            has_ended = self.stage.carry_on(run)
            self.requests.calm()
            if not has_ended:
                self.stage.take_over(run)
        self.ended(export, run)
        self.settle(export, asked, allowed, is_disturbed=True)

    def hold(self, export: ExportModel, run: Run, trouble: Trouble, skip: int) -> None:
        """Let a worker stand still, and another one end its run."""
        worker = HeldWorker(run, trouble)
        self.requests.meet(trouble, skip, worker)
        if worker.start():
            self.tell(f"  It holds {worker.request}; another worker takes the run over.")
            self.held.append((export.number, worker))
            self.pass_time(timedelta(seconds=60), lands_late=False)
        self.requests.calm()
        self.stage.take_over(run)

    def a_held_worker_goes_on(self) -> None:
        number, worker = self.held.pop(self.chance.randrange(len(self.held)))
        self.tell(f"The request of run {worker.run.number} of export {number} reaches the list.")
        worker.go_on()
        self.model.land(number, worker.request)

    def options(self, export: ExportModel) -> RunOptions:
        return RunOptions(
            confirmed=self.chance.random() < 0.6,
            resubscribe=self.chance.random() < 0.3 and export.resubscribes,
            everyone=self.chance.random() < 0.15,
        )

    def ended(self, export: ExportModel, run: Run) -> None:
        run.refresh_from_db()
        assert run.status in {"successful", "warnings"}, f"{run.status}: {run.reason} {run.message}"
        assert run.members == len(export.members), f"The run counts {run.members} members."
        if not run.removals_held:
            export.members_before = len(export.members)

    def settle(self, export: ExportModel, asked: RunOptions, allowed: Allowed, *, is_disturbed: bool) -> int:
        """Compare the list with what it may hold, and go on from there; how many contacts were removed."""
        held = self.stage.records()
        before = {email: contact.record for email, contact in self.model.contacts.items()}
        self.check(held, allowed)
        self.model.settle(export, asked, held, is_disturbed=is_disturbed)
        return sum(
            held[email] != before[email] and (held[email].state != ACTIVE or bool(held[email].mark))
            for email in EMAILS
            if email not in export.members
        )

    # -- the end -----------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Let every request land and every export run; then the list is as wished, and stays so."""
        while self.held:
            self.a_held_worker_goes_on()
            self.compare()
        self.pass_time(timedelta(days=1))
        running = [export for export in self.model.exports.values() if export.number not in self.inactive]
        for export in running:
            self.tell(f"At the end, export {export.number} runs.")
            self.run(export, RunOptions(confirmed=True))
        for export in running:
            self.tell(f"Once more, export {export.number} runs.")
            run = self.run(export, RunOptions(confirmed=True))
            sent = [email for batch in run.batches.all() for email in batch.emails]
            assert not run.planned, f"The run sends {', '.join(sent)}, who have not changed."

    # -- inside ------------------------------------------------------------------------------------------------

    def pass_time(self, duration: timedelta, *, lands_late: bool = True) -> None:
        """A request of a worker that has died lands before its answer could no longer be waited for."""
        if lands_late and duration > _WITHIN_LATE_WINDOW:
            for found in [each for each in self.held if each[1].trouble == Trouble.DIES_AND_LANDS_LATE]:
                self.held.remove(found)
                number, worker = found
                self.tell(f"The request of run {worker.run.number} of export {number} reaches the list.")
                worker.go_on()
                self.model.land(number, worker.request)
        self.tell(f"{duration} pass.")
        self.stage.let_pass(duration)

    def compare(self) -> None:
        """Compare the list with the model after a step that leaves nothing open."""
        self.check(
            self.stage.records(), {email: [contact.record] for email, contact in self.model.contacts.items()}
        )

    def check(self, held: dict[str, Record], allowed: Allowed) -> None:
        for email in EMAILS:
            if held[email] not in allowed[email]:
                expected = " or ".join(str(record) for record in allowed[email])
                raise AssertionError(
                    f"{email}: the list holds {held[email]}, the model {expected}.\n{self.model.contacts[email]}"
                )

    def an_export(self) -> ExportModel:
        return self.chance.choice([self.model.exports[number] for number in sorted(self.model.exports)])

    def an_email(self) -> str:
        return self.chance.choice(EMAILS)

    def tell(self, sentence: str) -> None:
        self.story.append(sentence)

    def explain(self, error: Exception) -> str:
        steps = "\n".join(f"{number:3}. {sentence}" for number, sentence in enumerate(self.story, start=1))
        again = f"SEED={self.seed} SCENARIOS=1 STEPS=… .venv/bin/python -m pytest tests/scenarios"
        sys.stdout.write(f"SEED={self.seed}\n")
        return f"Scenario {self.seed}:\n{steps}\n\n{error}\n\nTo play it again: {again}"


def _short(emails: Iterable[str]) -> str:
    return ", ".join(email.partition("@")[0] for email in sorted(emails))


def _words(asked: RunOptions) -> str:
    words = [name for name in ("confirmed", "resubscribe", "everyone") if getattr(asked, name)]
    return f" ({', '.join(words)})" if words else ""
