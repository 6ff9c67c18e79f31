"""A run's batches as a strip of cells, and one batch in the pane."""

import re
import uuid

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exports.actions import runs
from exports.models import Batch, BatchStatus, Export, Run
from exports.reporting import progress
from exports.reporting.progress import CellState
from tests.integration.exports.conftest import run_to_its_end
from tests.support.sandbox import RunningSandbox


def add_batches(run: Run, count: int, **values: object) -> None:
    first = run.batches.count() + 1
    facts: dict[str, object] = {"status": BatchStatus.DONE, "attempt": 1, "size": 1, **values}
    Batch.objects.bulk_create(
        Batch(
            run=run,
            number=number,
            label=str(number),
            profile_ids=[number],
            emails=[f"p{number}@example.com"],
            payloads=["{}"],
            hashes=[uuid.UUID(int=0)],
            **facts,
        )
        for number in range(first, first + count)
    )


@pytest.fixture
def run(board: Export) -> Run:
    return runs.start_run(board, by=None)


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_it_has_a_cell_for_each_batch_that_was_not_halved(run: Run) -> None:
    add_batches(run, 1)
    add_batches(run, 1, status=BatchStatus.SPLIT)
    add_batches(run, 1, rejected=1)
    add_batches(run, 1, status=BatchStatus.SENDING)
    add_batches(run, 1, status=BatchStatus.PLANNED, attempt=2)
    add_batches(run, 1, status=BatchStatus.PLANNED, attempt=0)
    add_batches(run, 1, status=BatchStatus.NOT_SENT)
    cells = progress.batch_cells(run, 6)
    assert [cell.first for cell in cells] == [1, 3, 4, 5, 6, 7]
    states = [CellState.DONE, CellState.REJECTED, CellState.SENDING, CellState.AGAIN, CellState.PLANNED]
    assert [cell.state for cell in cells] == [*states, CellState.NOT_SENT]
    assert cells[1].tooltip == "Batch 3: Done, some rejected, 1 contacts"


def test_it_puts_very_many_together_and_shows_the_worst(run: Run) -> None:
    add_batches(run, 998)
    add_batches(run, 1, rejected=1)
    add_batches(run, 1)
    cells = progress.batch_cells(run, 1000)
    assert len(cells) == 250
    assert (cells[0].first, cells[0].last, cells[0].people, cells[0].state) == (1, 4, 4, CellState.DONE)
    assert cells[-1].state == CellState.REJECTED
    assert cells[-1].tooltip == "Batches 997 to 1,000: Done, some rejected, 4 contacts"


def test_it_costs_one_query_and_no_inline_style(bob_client: Client, newsletter: Export) -> None:
    ended = run_to_its_end(newsletter)
    with CaptureQueriesContext(database) as before:
        page(bob_client, f"/data/runs/{ended.pk}/")
    add_batches(ended, 999)
    with CaptureQueriesContext(database) as after:
        shown = page(bob_client, f"/data/runs/{ended.pk}/")
    assert len(after) == len(before)
    assert shown.count('class="strip__cell strip__cell--done" id="cell-') == 250
    assert "style=" not in shown
    assert f'href="/data/runs/{ended.pk}/batches/?from=1&amp;to=4"' in shown


def test_several_in_a_cell_lead_to_their_list(bob_client: Client, run: Run) -> None:
    add_batches(run, 10)
    answer = bob_client.get(f"/data/runs/{run.pk}/batches/?from=3&to=5")
    assert [row["batch"].number for row in answer.context["batches"]] == [3, 4, 5]


def test_it_opens_the_call_of_a_batch(bob_client: Client, newsletter: Export, account: RunningSandbox) -> None:
    ended = run_to_its_end(newsletter)
    shown = page(bob_client, f"/data/runs/{ended.pk}/batches/1/")
    for words in ("Batch 1", "Done", "201", "3 contacts", "ann@example.com", "EmailAddress"):
        assert words in shown, words


def test_it_keeps_people_from_viewers(charlie_client: Client, newsletter: Export) -> None:
    ended = run_to_its_end(newsletter)
    shown = page(charlie_client, f"/data/runs/{ended.pk}/batches/1/")
    assert "201" in shown
    assert "ann@example.com" not in shown


def test_it_leads_from_batch_to_batch(bob_client: Client, run: Run) -> None:
    add_batches(run, 3)
    shown = page(bob_client, f"/data/runs/{run.pk}/batches/2/")
    assert f'href="/data/runs/{run.pk}/batches/1/"' in shown
    assert f'href="/data/runs/{run.pk}/batches/3/"' in shown
    assert bob_client.get(f"/data/runs/{run.pk}/batches/4/").status_code == 404


def test_it_turns_a_stranger_away(stranger_client: Client, run: Run) -> None:
    add_batches(run, 1)
    assert stranger_client.get(f"/data/runs/{run.pk}/batches/1/").status_code == 302
