"""Erase a person during imports, plans and deliveries: nothing of them is sent or kept."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from config.platform.accounts.models import User
from config.platform.jobs.leases import HeldLease, claim
from connections import destinations
from connections.destinations.errors import TryLater
from connections.destinations.values import Capabilities
from exports.actions import preview, runs
from exports.batches.encode import Converted
from exports.batches.writer import BatchResult
from exports.delivery.sender_pool import SenderPool
from exports.models import (
    Batch,
    BatchStatus,
    Disclosure,
    Export,
    ExportPreview,
    PersonRemoval,
    Run,
    Stage,
    SyncedContact,
)
from exports.preview import dry_run, send_test, summary
from exports.privacy import list_removal
from exports.results import record
from exports.run import check, pipeline, plan
from segments import hooks
from segments.models import ImportJob
from segments.privacy import erase as privacy_erase
from segments.privacy import subject_access, subjects
from segments.privacy.subjects import Scope
from segments.sources import staging
from segments.sources.staging import StagedRows
from segments.store import engine
from tests.integration.privacy.conftest import EMAIL, run_to_its_end
from tests.support.database_search import tables_with
from tests.support.profiles import Profile, has_profile, product_profile
from tests.support.retries import shorten_waits
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send batches of one contact, so that there is always a batch left to send, with retries after
    milliseconds."""
    destination = destinations.get("campaign_monitor")
    small = Capabilities(batch_rows=1, batch_bytes=4_000_000, removes_people=True)
    monkeypatch.setattr(destination, "capabilities", small, raising=False)
    shorten_waits(monkeypatch, 0.02)


def erase(profile: Profile, by: User, lists: list[str] | None = None) -> None:
    privacy_erase.erase(product_profile(profile), scope=Scope.ADDRESS, lists=lists or [], by=by)


@contextmanager
def beside(operation: Callable[[], None]) -> Iterator[threading.Thread]:
    """Run ``operation`` in another thread with its own database session."""
    failures: list[BaseException] = []

    def do() -> None:
        try:
            operation()
        except BaseException as error:
            failures.append(error)
        finally:
            engine.close()
            database.close()

    thread = threading.Thread(target=do)
    thread.start()
    yield thread
    thread.join(20)
    assert not failures, failures
    assert not thread.is_alive()


def carry_on_to_its_end(run: Run) -> Run:
    deadline = time.monotonic() + 30
    while run.is_open:
        assert time.monotonic() < deadline, f"{run.status} {run.reason} {run.message}"
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    return run


def adds_up(run: Run) -> bool:
    members = run.invalid + run.duplicates + run.without_consent + run.unchanged + run.still_refused + run.planned
    return (
        run.members == members
        and run.planned == run.delivered + run.left + run.rejected + run.unknown + run.not_sent
    )


def planned(export: Export) -> Run:
    """Return a run that is planned and has sent nothing."""
    run = claim(runs.start_run(export, by=None))
    assert run is not None
    assert check.check(run)
    plan.plan(run, HeldLease(run))
    Run.objects.filter(pk=run.pk).update(lease_until=None)
    return Run.objects.get(pk=run.pk)


def test_who_is_planned_is_not_sent(export: Export, zofia: Profile, alice: User, account: RunningSandbox) -> None:
    run = planned(export)
    assert run.planned == 3
    erase(zofia, alice)
    run = carry_on_to_its_end(run)
    assert (run.planned, run.delivered, run.to_add) == (2, 2, 2)
    assert adds_up(run)
    assert EMAIL not in account.received()
    assert not tables_with(EMAIL)


def test_who_is_erased_between_choosing_a_batch_and_sending_it_is_not_sent(
    export: Export, zofia: Profile, alice: User, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned(export)
    intend = record.mark_sending
    done: list[bool] = []

    def intend_late(*args: Any) -> list[Batch]:
        if not done:
            done.append(True)
            with beside(lambda: erase(zofia, alice)):
                pass
        return intend(*args)

    monkeypatch.setattr(record, "mark_sending", intend_late)
    run = carry_on_to_its_end(run)
    assert done
    assert adds_up(run)
    assert EMAIL not in account.received()
    assert not tables_with(EMAIL)


def sending(
    monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None], *, failing: bool = False
) -> list[bool]:
    """Pause while the request with the person is sent; ``failing`` ends it without a response."""
    send = SenderPool.send
    done: list[bool] = []

    def send_slowly(lines: SenderPool, batch: Batch, converted: Converted) -> BatchResult:
        if not done and EMAIL in batch.emails:
            done.append(True)
            with beside(meanwhile):
                pass
            if failing:
                raise TryLater("cut off")
        return send(lines, batch, converted)

    monkeypatch.setattr(SenderPool, "send", send_slowly)
    return done


@pytest.mark.parametrize("failing", [False, True])
def test_who_is_on_the_way_leaves_no_trace_here_and_is_removed_after_arriving(
    export: Export,
    zofia: Profile,
    alice: User,
    account: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    *,
    failing: bool,
) -> None:
    run = planned(export)
    seen: list[str] = []

    def meanwhile() -> None:
        subject = subject_access.find_subject(product_profile(zofia), scope=Scope.ADDRESS)
        erase(zofia, alice, [each.key for each in hooks.personal_data.lists(subject)])
        removal = PersonRemoval.objects.get()
        list_removal.remove_from_list(removal.pk)
        removal.refresh_from_db()
        seen.append(removal.status)

    assert sending(monkeypatch, meanwhile, failing=failing) == []
    run = carry_on_to_its_end(run)
    assert seen == ["queued"]
    assert adds_up(run)
    assert (run.planned, run.delivered) == ((2, 2) if failing else (3, 3))
    assert SyncedContact.objects.count() == 2
    PersonRemoval.objects.update(due_at=None)
    list_removal.remove_from_list(PersonRemoval.objects.get().pk)
    assert PersonRemoval.objects.get().status == "successful"
    assert EMAIL not in {person["EmailAddress"].lower() for person in account.people()}
    assert not tables_with(EMAIL)
    again = run_to_its_end(export)
    assert again.planned == 0


def test_who_is_erased_while_the_plan_is_made_is_not_in_it(
    export: Export, zofia: Profile, alice: User, monkeypatch: pytest.MonkeyPatch, account: RunningSandbox
) -> None:
    cut = plan._cut_into_batches

    def cut_slowly(*args: Any) -> None:
        with beside(lambda: erase(zofia, alice)):
            pass
        cut(*args)

    monkeypatch.setattr(plan, "_cut_into_batches", cut_slowly)
    run = run_to_its_end(export)
    assert (run.planned, run.delivered) == (2, 2)
    assert adds_up(run)
    assert not tables_with(EMAIL)
    assert EMAIL not in account.received()


def test_the_batch_of_a_dead_worker_is_sent_without_the_erased_person(
    export: Export, zofia: Profile, alice: User, account: RunningSandbox
) -> None:
    run = planned(export)
    dead = claim(run)
    assert dead is not None
    record.mark_sending(dead, list(dead.batches.values_list("pk", flat=True)))
    erase(zofia, alice)
    Run.objects.filter(pk=run.pk).update(lease_until=None)
    run = carry_on_to_its_end(run)
    assert (run.stage, run.planned, run.delivered) == (Stage.COMPLETE, 2, 2)
    assert adds_up(run)
    assert EMAIL not in account.received()
    assert not Batch.objects.filter(status=BatchStatus.SENDING).exists()


def test_an_import_notices_an_erasure_after_its_check(
    zofia: Profile, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import of another source has already checked for erased people."""
    path = tmp_path / "again.csv"
    path.write_text(f"id,email\nQ-1,{EMAIL}\n", encoding="utf-8")
    refuse = staging.refuse_erased

    checks = 0

    def refuse_then_erase(*args: Any) -> StagedRows:
        nonlocal checks
        checks += 1
        checked = refuse(*args)
        if checks == 2:  # the last one before the rows are merged
            with beside(lambda: erase(zofia, alice)):
                pass
        return checked

    monkeypatch.setattr(staging, "refuse_erased", refuse_then_erase)
    with pytest.raises(CommandError, match="rejected"):
        call_command("import_profiles", str(path), "--key", "id", "--source", "Sign-ups")
    job = ImportJob.objects.get()
    assert (checks, job.rows_created, job.rows_refused) == (3, 0, 1)
    assert not has_profile("Q-1")
    assert not tables_with(EMAIL)


def test_it_is_blocked_while_the_source_of_the_person_is_imported(
    zofia: Profile, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy_erase, "_LOCK_SECONDS", 0.2)
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        from django.db import transaction

        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("SELECT id FROM segments_datasource FOR NO KEY UPDATE")
            locked.set()
            done.wait(10)

    with beside(hold):
        locked.wait(10)
        try:
            with pytest.raises(privacy_erase.ErasureBlocked, match="Try again"):
                erase(zofia, alice)
        finally:
            done.set()
    assert has_profile(zofia.key)


def test_who_is_sent_alone_and_erased_at_that_moment_leaves_no_trace(
    export: Export, zofia: Profile, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = send_test._send

    def send_slowly(*args: Any) -> Any:
        with beside(lambda: erase(zofia, alice)):
            pass
        return send(*args)

    monkeypatch.setattr(send_test, "_send", send_slowly)
    send_test.send_one(export, person=EMAIL, by=alice)
    assert not tables_with(EMAIL)
    assert Disclosure.objects.filter(person=subjects.hash_of_email(EMAIL)).exists()


# rule, the module and the function of a preview during which a person is erased
PREVIEWS = [
    ("before its contacts are kept", dry_run, "_keep_contacts"),
    ("after its contacts are kept", summary, "results_of"),
]


@pytest.mark.parametrize(("rule", "module", "name"), PREVIEWS, ids=[row[0] for row in PREVIEWS])
def test_a_preview_during_which_a_person_is_erased_is_computed_again(
    rule: str,
    module: ModuleType,
    name: str,
    export: Export,
    zofia: Profile,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = preview.request(export, by=alice)
    function = getattr(module, name)
    done: list[bool] = []

    def erase_before(*args: Any, **options: Any) -> object:
        if not done:
            done.append(True)
            with beside(lambda: erase(zofia, alice)):
                pass
        return function(*args, **options)

    monkeypatch.setattr(module, name, erase_before)
    preview.work_out(job.pk)
    assert done, rule
    assert not tables_with(EMAIL), rule
    assert preview.due() == [job.pk]
    preview.work_out(job.pk)
    job = ExportPreview.objects.get()
    assert (job.status, len(job.sample)) == ("successful", 2)
    assert sum(block.size for block in job.blocks.all()) == 2
