"""One scenario: random steps from a seed, played on the product and on the model, and compared after each."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from exports.models import Removal, Run
from exports.removal.list_cleanup import CleanupSettings
from tests.scenarios.failing_workers import HELD, HeldWorker, Trouble
from tests.scenarios.model import ACTIVE, DELETE, MARK_VALUE, Allowed, ExportModel, Record, RunOptions
from tests.scenarios.stage import ANY_NUMBER
from tests.scenarios.steps import EMAILS, REMOVALS, Steps

# How many requests pass before a worker meets its trouble.
_SKIPPED = (0, 0, 1, 1, 2, 3, 4, 5)


class Differs(AssertionError):
    """The list is not as the model has it; says which address, and what happened until then."""


class Scenario(Steps):
    """Plays steps until their number is reached, then lets every export run until nothing changes."""

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
            (self.a_contact_of_ours_signs_up_again_and_leaves, 5),
            (self.a_contact_is_suppressed, 2),
            (self.time_passes, 5),
            (self.an_export_runs, 26),
            (self.an_export_runs_in_trouble, 20),
            (self.a_held_worker_goes_on, 6 if self.held else 0),
            (self.a_contact_of_a_held_request_changes, 16 if self.held else 0),
            (self.a_run_is_canceled, 5),
            (self.an_export_goes_elsewhere_and_comes_back, 2),
            (self.a_policy_changes, 3),
            (self.a_control_group_changes, 4),
            (self.an_export_is_deactivated_or_activated, 2),
            (self.an_export_is_removed, 2 if len(self.model.exports) > 1 else 0),
            (self.add_export, 3 if len(self.model.exports) < 3 else 0),
        ]

    # -- runs --------------------------------------------------------------------------------------------------

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
            self.stage.remove_export(export, CleanupSettings(Removal.DELETE, people=ANY_NUMBER))
            self.settle(export, RunOptions(confirmed=True), allowed, is_disturbed=False)
        else:
            self.stage.remove_export(export)
        self.model.remove_export(export.number)

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

    def a_run_is_canceled(self) -> None:
        """Its worker dies on the way, and a person cancels it."""
        export = self.an_export()
        asked = self.options(export)
        trouble = self.chance.choice((Trouble.DIES_BEFORE, Trouble.DIES_AFTER))
        skip = self.chance.choice(_SKIPPED)
        if export.number in self.inactive:
            return
        self.tell(
            f"Export {export.number} runs{_words(asked)}; after {skip} requests, its worker {trouble.value},"
            " and the run is canceled."
        )
        self.was_disturbed = True
        allowed = self.model.run(export, asked, is_canceled=True)
        run = self.stage.start_run(export, asked)
        self.requests.meet(trouble, skip)
        if not self.stage.carry_on(run):
            self.stage.cancel(run)
        self.requests.calm()
        if run.status != "canceled":
            self.ended(export, run)
        self.settle(export, asked, allowed, is_disturbed=True, is_canceled=True)

    def an_export_goes_elsewhere_and_comes_back(self) -> None:
        """The list that it leaves is cleared meanwhile, by a worker that dies on the way."""
        export, how = self.an_export(), self.chance.choice(REMOVALS)
        skip = self.chance.choice(_SKIPPED)
        if export.number in self.inactive:
            return
        self.tell(
            f"Export {export.number} goes to another list and comes back; contacts that it leaves: {how};"
            f" after {skip} requests, the worker dies."
        )
        self.was_disturbed = True
        gone, asked = replace(export, members=set(), removal=how), RunOptions(confirmed=True)
        allowed = self.model.run(gone, asked)
        cleanup = CleanupSettings(how, "[Left]", MARK_VALUE, unsubscribes_everywhere=True, people=ANY_NUMBER)
        run = self.stage.move_to(export, self.stage.other_list_id, cleanup)
        if run is not None:
            self.requests.meet(Trouble.DIES_AFTER, skip)
            if not self.stage.carry_on(run):
                self.stage.take_over(run)
            self.requests.calm()
        self.stage.move_to(export, self.stage.list_id, CleanupSettings())
        self.settle(gone, asked, allowed, is_disturbed=True)

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
        assert run.is_cleanup or run.held_out == len(export.members & export.held_out)
        if not run.removals_held:
            export.members_before = len(export.members)

    def settle(
        self,
        export: ExportModel,
        asked: RunOptions,
        allowed: Allowed,
        *,
        is_disturbed: bool,
        is_canceled: bool = False,
    ) -> int:
        """Compare the list with what it may hold, and go on from there; how many contacts were removed."""
        held = self.stage.records()
        before = {email: contact.record for email, contact in self.model.contacts.items()}
        self.check(held, allowed)
        self.model.settle(export, asked, held, is_disturbed=is_disturbed, is_canceled=is_canceled)
        return sum(
            held[email] != before[email] and (held[email].state != ACTIVE or bool(held[email].mark))
            for email in EMAILS
            if email not in export.wanted
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

    def explain(self, error: Exception) -> str:
        steps = "\n".join(f"{number:3}. {sentence}" for number, sentence in enumerate(self.story, start=1))
        again = f"SEED={self.seed} SCENARIOS=1 STEPS=… .venv/bin/python -m pytest tests/scenarios"
        sys.stdout.write(f"SEED={self.seed}\n")
        return f"Scenario {self.seed}:\n{steps}\n\n{error}\n\nTo play it again: {again}"


def _words(asked: RunOptions) -> str:
    words = [name for name in ("confirmed", "resubscribe", "everyone") if getattr(asked, name)]
    return f" ({', '.join(words)})" if words else ""
