"""Personal data of runs are deleted after their retention, in small steps; the counts stay."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.jobs import clock
from exports.models import Export, OutcomeKind, Run
from exports.reporting import run_contacts
from exports.results.summary import ContactKind
from exports.scheduler import retention
from tests.integration.exports.conftest import run_to_its_end
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def old(account: RunningSandbox, newsletter: Export) -> Run:
    """A run that ended a hundred days ago."""
    run = run_to_its_end(newsletter)
    _aged(run, 100)
    return run


def _aged(run: Run, days: int) -> None:
    Run.objects.filter(pk=run.pk).update(finished_at=clock.now() - timedelta(days=days))


def test_it_empties_batches_and_keeps_their_figures(old: Run) -> None:
    assert retention.forget_for_a_while() is False
    batch = old.batches.get()
    assert (batch.emails, batch.payloads, batch.hashes, batch.profile_ids) == ([], [], [], [])
    assert (batch.size, batch.delivered) == (3, 3)
    assert not old.outcomes.exists()
    old.refresh_from_db()
    assert (old.delivered, old.invalid, old.duplicates) == (3, 2, 1)


def test_it_keeps_each_for_its_own_time(old: Run, settings: Settings) -> None:
    _aged(old, settings.BATCH_RETENTION_DAYS + 1)
    retention.forget_for_a_while()
    assert old.batches.get().emails == []
    assert old.outcomes.count() == 3


def test_unchanged_contacts_go_with_the_batches_and_suppressed_ones_stay(
    newsletter: Export, account: RunningSandbox, settings: Settings
) -> None:
    account.import_people([{"EmailAddress": "ben@example.com"}])
    account.set_state(["ben@example.com"], "Unsubscribed")
    run_to_its_end(newsletter)
    again = run_to_its_end(newsletter)
    assert {*again.blocks.values_list("kind", flat=True)} == {"unchanged", "suppressed"}
    _aged(again, settings.BATCH_RETENTION_DAYS + 1)
    retention.forget_for_a_while()
    again.refresh_from_db()
    assert [*again.blocks.values_list("kind", flat=True)] == ["suppressed"]
    for kind, is_kept in (
        (ContactKind.UNCHANGED, False),
        (ContactKind.MEMBERS, False),
        (ContactKind.SUPPRESSED, True),
    ):
        assert run_contacts.is_kept(again, kind) is is_kept, kind
        assert bool(len(run_contacts.list_contacts(again, kind))) is is_kept, kind


def test_reasons_of_contacts_that_were_not_removed_stay_as_long_as_outcomes(old: Run, settings: Settings) -> None:
    old.outcomes.create(kind=OutcomeKind.KEPT, email="dee@example.com", code="found_there")
    _aged(old, settings.BATCH_RETENTION_DAYS + 1)
    retention.forget_for_a_while()
    old.refresh_from_db()
    assert old.batches_emptied_at
    listed = run_contacts.list_contacts(old, ContactKind.NOT_REMOVED)
    assert [each.email for each in listed.all()] == ["dee@example.com"]
    _aged(old, settings.OUTCOME_RETENTION_DAYS + 1)
    retention.forget_for_a_while()
    old.refresh_from_db()
    assert len(run_contacts.list_contacts(old, ContactKind.NOT_REMOVED)) == 0


def test_it_keeps_what_is_young(newsletter: Export, account: RunningSandbox) -> None:
    run = run_to_its_end(newsletter)
    assert retention.forget_for_a_while() is False
    assert run.batches.get().emails
    assert run.outcomes.exists()


def test_it_continues_at_the_next_message(old: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "OUTCOMES_A_STEP", 1)
    messages = 1
    while retention.forget_for_a_while(0):
        messages += 1
        assert messages < 10
    assert messages == 6  # batches; three outcomes, and the look that finds no more
    assert not old.outcomes.exists()


@pytest.mark.parametrize("kind", ["delivered", "invalid"])
def test_a_count_says_that_its_rows_are_gone(bob_client: Client, old: Run, kind: str) -> None:
    retention.forget_for_a_while()
    shown = bob_client.get(f"/data/runs/{old.pk}/contacts/?kind={kind}").content.decode()
    assert "Results no longer stored" in shown
    assert "Download CSV" not in shown


def test_the_run_says_that_rows_are_gone(bob_client: Client, old: Run) -> None:
    url = f"/data/runs/{old.pk}/"
    assert "no longer available" not in bob_client.get(url).content.decode()
    retention.forget_for_a_while()
    shown = bob_client.get(url).content.decode()
    assert "some contacts are no longer available" in shown


def test_the_next_run_still_knows_the_contacts_on_the_list(old: Run, newsletter: Export) -> None:
    retention.forget_for_a_while()
    assert run_to_its_end(newsletter).unchanged == 3
