"""Random runs of an export: every summary of each run says the same numbers, they add up, and each opens as
many contacts. Members leave and come back, addresses are invalid, shared, suppressed and rejected; workers die,
runs are canceled and retried, and removals are held and confirmed. SEED and RUNS choose which runs."""

import os
import random
import sys
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from exports import policies
from exports.actions import retries, runs
from exports.models import Export, Removal, Run
from exports.results import summary
from exports.results.summary import PARTS, REMOVALS, ContactKind
from exports.run import pipeline
from segments.models import Segment
from tests.scenarios.failing_workers import Killed, Requests, Trouble
from tests.support import exports
from tests.support.members import crowd_of, join, leave
from tests.support.profiles import change_attribute
from tests.support.retries import shorten_waits
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process
from tests.support.summaries import check_pages, check_sums

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)

_IN_TESTS, _IN_DRILLS = 10, 200
_EMAILS = [f"p{number:02}@example.com" for number in range(24)]
_UNUSABLE = ["no at sign", "", _EMAILS[0], _EMAILS[1]]  # the last two are shared by two profiles
_TROUBLES = (Trouble.DIES_BEFORE, Trouble.DIES_AFTER, Trouble.ANSWER_LOST, Trouble.REFUSED_FOR_NOW)
_LOOKS = 60


class Story:
    """An export, and what happens to it, from a seed."""

    def __init__(self, sandbox: RunningSandbox, seed: int) -> None:
        self.chance = random.Random(seed)
        self.sandbox = sandbox
        self.requests = Requests()
        self.segment: Segment = crowd_of([*_EMAILS, *_UNUSABLE])
        self.alice = exports.an_administrator()
        list_id = sandbox.create_list("Shop", scope="OnlyThisList")
        self.export: Export = exports.export_to(
            sandbox,
            exports.sandbox_connection(sandbox, by=self.alice),
            self.segment,
            list_id=list_id,
            mapping=[{"attribute": "first_name", "field": "name"}],
        )
        self.list_id = list_id
        self.runs: list[Run] = []

    def happen(self) -> None:
        """Let something change, and the export run."""
        for change in self.chance.sample(self._changes(), self.chance.randint(1, 4)):
            change()
        self._run()

    def _changes(self) -> list[Callable[[], None]]:
        return [self._leave, self._join, self._change, self._suppress, self._reject, self._use_removal]

    def _some(self, most: int) -> list[str]:
        return self.chance.sample(_EMAILS, self.chance.randint(1, most))

    def _leave(self) -> None:
        leave(self.segment, *self._some(self.chance.choice((2, 14))))

    def _join(self) -> None:
        join(self.segment, *self._some(12))

    def _change(self) -> None:
        change_attribute(self._some(8), "first_name", f"Name {self.chance.random()}")

    def _suppress(self) -> None:
        emails = self._some(3)
        self.sandbox.import_people([{"EmailAddress": email} for email in emails], self.list_id)
        self.sandbox.set_state(emails, self.chance.choice(("Unsubscribed", "Bounced", "Deleted")), self.list_id)

    def _reject(self) -> None:
        emails = self._some(3) if self.chance.random() < 0.6 else []
        rules = [{"kind": "refuse_emails", "emails": emails, "code": 1}] if emails else []
        self.sandbox.faults({"rules": rules})

    def _use_removal(self) -> None:
        policy = self.chance.choice((Removal.LEAVE, Removal.DELETE, Removal.UNSUBSCRIBE))
        Export.objects.filter(pk=self.export.pk).update(removal=policy, unsubscribes_everywhere=True)
        self.export.refresh_from_db()

    def _run(self) -> None:
        run = self._started()
        if self.chance.random() < 0.4:
            self.requests.meet(self.chance.choice(_TROUBLES), self.chance.randint(0, 2))
        has_ended = self._work(run)
        self.requests.calm()
        if not has_ended:
            Run.objects.filter(pk=run.pk).update(lease_until=None)
            run.refresh_from_db()
            check_sums(run)  # while it is open, too
            if self.chance.random() < 0.5:
                runs.cancel_run(run, by=None)
            assert self._work(run)
        self.runs.append(run)

    def _started(self) -> Run:
        last = self.runs[-1] if self.runs else None
        if last is not None:
            last.refresh_from_db()
        if last is not None and last.rejected and self.chance.random() < 0.5:
            try:
                return retries.retry_rejected(last, by=self.alice)
            except policies.Refusal:
                pass
        if last is not None and last.removals_held and policies.can_confirm(last) and self.chance.random() < 0.7:
            return runs.confirm_removals(last, people=100, how=self.export.removal, by=self.alice)
        return runs.start_run(self.export, by=None)

    def _work(self, run: Run) -> bool:
        """Work on a run until it has ended; False when its worker died."""
        for _look in range(_LOOKS):
            Run.objects.filter(pk=run.pk).update(resume_at=None)
            run.batches.update(not_before=None)
            try:
                pipeline.run_slice(run.pk)
            except Killed:
                return False
            run.refresh_from_db()
            if not run.is_open:
                return True
        raise AssertionError(f"The run is still {run.status}: {run.reason} {run.message}")


@pytest.fixture(autouse=True)
def _quick(settings: Settings, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    shorten_waits(monkeypatch, 0.0)


def test_every_summary_of_random_runs_says_the_same(sandbox: RunningSandbox, client: Client) -> None:
    _check_runs(sandbox, client, seed=int(os.environ.get("SEED") or 1), number=_IN_TESTS)


@pytest.mark.drill
def test_every_summary_of_many_random_runs_says_the_same(
    sandbox: RunningSandbox, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    number = int(os.environ.get("RUNS") or _IN_DRILLS)
    played = [summary.of_run(run) for run in _check_runs(sandbox, client, seed=seed, number=number)]
    seen = {kind.value: sum(results.count(kind) for results in played) for kind in (*PARTS, *REMOVALS)}
    rare = (ContactKind.UNKNOWN, ContactKind.NOT_REMOVED)
    assert number < _IN_DRILLS or all(seen[kind] for kind in seen if kind not in rare), f"SEED={seed}: {seen}"
    with capsys.disabled():
        sys.stdout.write(f"\nSEED={seed}: {number} runs, {seen}")


def _check_runs(sandbox: RunningSandbox, client: Client, *, seed: int, number: int) -> list[Run]:
    story = Story(sandbox, seed)
    client.force_login(User.objects.get(pk=story.alice.pk))
    with story.requests.watched():
        for count in range(1, number + 1):
            story.happen()
            try:
                check_pages(story.runs[-1], client)
            except AssertionError as error:
                raise AssertionError(f"SEED={seed}, run {count}: {error}") from error
    return story.runs
