"""Runs after data sources and other exports when one cannot be started, waits, or is edited at that moment."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs import clock
from exports import tasks
from exports.actions import manage, run_after
from exports.actions.run_after import Predecessors
from exports.models import Export, TriggeredStart
from exports.state import triggered
from exports.views import edit
from segments import refresh_requests
from segments.models import DataSource
from segments.rules.references import CircularSegments
from tests.integration.exports.test_run_after import posted
from tests.support.exports import export_to, sandbox_connection, segment_of_everyone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    clock.run_from(datetime(2026, 11, 25, 12, tzinfo=UTC))
    yield
    clock.run_as_usual()


@pytest.fixture
def exports() -> list[Export]:
    """Three exports that run after one data source, which has just been imported."""
    source = DataSource.objects.create(name="CRM", key_column="id")
    connection, segment = sandbox_connection(), segment_of_everyone()
    made = [export_to(None, connection, segment, list_id=letter * 32, name=f"Export {letter}") for letter in "abc"]
    for each in made:
        run_after.set_run_after(each, Predecessors([source]), version=each.version, by=None)
    triggered.note_source(source.pk, source.name)
    clock.run_from(clock.now() + triggered.QUIET)
    return made


def refuse_first(monkeypatch: pytest.MonkeyPatch, how: Exception | None) -> list[int]:
    """Let the first refresh that is asked for fail, or wait. Returns how often one was asked for."""
    real = refresh_requests.request_with_segments_in_rules
    asked: list[int] = []

    def first_not(segment_ids: Sequence[int]) -> bool:
        asked.append(len(asked))
        if len(asked) > 1:
            return real(segment_ids)
        if how is not None:
            raise how
        return False

    monkeypatch.setattr(refresh_requests, "request_with_segments_in_rules", first_not)
    return asked


def test_one_that_cannot_be_started_holds_up_no_other(
    exports: list[Export], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuse_first(monkeypatch, CircularSegments([1, 2]))
    tasks.start_due()
    assert [each.runs.count() for each in exports].count(1) == 2
    assert "could not be started" in caplog.text
    kept = TriggeredStart.objects.get()
    assert kept.due_at > clock.now() + timedelta(minutes=1), "it is not tried at every tick"
    clock.run_from(kept.due_at)
    tasks.start_due()
    assert [each.runs.count() for each in exports] == [1, 1, 1]


def test_those_that_wait_do_not_take_the_places_of_others(
    exports: list[Export], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_after, "_AT_ONCE", 1)
    refuse_first(monkeypatch, None)
    assert run_after.start_triggered() == 0
    assert run_after.start_triggered() == 1
    assert run_after.start_triggered() == 1
    clock.run_from(clock.now() + timedelta(seconds=10))
    assert run_after.start_triggered() == 1


def test_an_export_is_locked_before_what_is_noted_for_it(exports: list[Export]) -> None:
    """Removing and editing lock the export first: the other order would be a deadlock."""
    first = exports[0]
    failed: list[Exception] = []

    def start() -> None:
        try:
            run_after.start_triggered()
        except Exception as error:
            failed.append(error)
        finally:
            database.close()

    with transaction.atomic():
        Export.objects.select_for_update().get(pk=first.pk)
        other = threading.Thread(target=start)
        other.start()
        other.join(20)
        assert not other.is_alive(), "it waits for no lock"
        manage.remove(first, by=None)
    assert not failed
    assert [each.runs.count() for each in exports[1:]] == [1, 1]
    assert not TriggeredStart.objects.filter(export=first.pk).exists()


def test_a_data_source_that_is_removed_while_it_is_chosen_is_no_taken_name(
    bob_client: Client, newsletter: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = DataSource.objects.create(name="Shop", key_column="id")
    real = run_after.set_run_after

    def remove_first(export: Export, after: Predecessors, *, version: int, by: User | None) -> None:
        DataSource.objects.filter(pk=source.pk).delete()
        real(export, after, version=version, by=by)

    monkeypatch.setattr(edit, "set_run_after", remove_first)
    response = bob_client.post(f"/data/exports/{newsletter.pk}/", posted(newsletter, after_sources=[source.pk]))
    assert response.status_code == 422
    html = response.content.decode()
    assert "Something that you chose was removed" in html
    assert "Another export has the name" not in html
