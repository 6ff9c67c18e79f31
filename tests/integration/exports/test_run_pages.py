"""Run history, and the page of a run."""

import re
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.actions import runs
from exports.models import Batch, BatchStatus, Export, Run, Stage
from exports.models.snapshot import NO_SNAPSHOT, RunSnapshot
from exports.state.status import Reason, change_status
from exports.views import runs as run_views
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.sandbox import RunningSandbox


def history(export: Export) -> str:
    return f"/data/exports/{export.pk}/runs/"


def page(client: Client, run: Run, tab: str = "") -> str:
    answer = client.get(f"/data/runs/{run.pk}/{tab}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def under_way(board: Export) -> Run:
    """A run in the middle of its delivery."""
    run = runs.start_run(board, by=None)
    change_status(run, JobStatus.PROCESSING, stage=Stage.DELIVER, members=10, planned=10, progress_total=10)
    for number, status in enumerate([BatchStatus.DONE, BatchStatus.SENDING, BatchStatus.PLANNED], start=1):
        Batch.objects.create(
            run=run,
            number=number,
            label=str(number),
            status=status,
            attempt=1,
            size=number,
            profile_ids=list(range(number)),
            emails=[f"p{number}.{n}@example.com" for n in range(number)],
            payloads=["{}"] * number,
            hashes=["00000000-0000-0000-0000-000000000000"] * number,
            delivered=number if status == BatchStatus.DONE else 0,
            sent_at=clock.now(),
            finished_at=clock.now(),
        )
    Run.objects.filter(pk=run.pk).update(delivered=1, progress_done=1, attempt=1)
    run.refresh_from_db()
    return run


# -- history -----------------------------------------------------------------------------------------------------


def test_it_turns_a_stranger_away(stranger_client: Client, under_way: Run) -> None:
    for url in (history(under_way.export), f"/data/runs/{under_way.pk}/", f"/data/runs/{under_way.pk}/live/"):
        assert stranger_client.get(url).status_code == 302


def test_it_says_that_nothing_ran_yet(bob_client: Client, board: Export) -> None:
    assert "has not run yet" in bob_client.get(history(board)).content.decode()


def test_it_lists_runs_with_numbers_that_lead_to_people(bob_client: Client, newsletter: Export, bob: User) -> None:
    first, second = run_to_its_end(newsletter, bob), run_to_its_end(newsletter, bob)
    shown = bob_client.get(history(newsletter)).content.decode()
    assert shown.index("Run 2") < shown.index("Run 1")
    assert f'href="/data/runs/{first.pk}/contacts/?kind=delivered" data-result="delivered">3</a>' in shown
    assert f'href="/data/runs/{second.pk}/contacts/?kind=delivered" data-result="delivered">0</a>' in shown
    assert "Nothing new to send" in shown
    assert "Bob Brown" in shown


@pytest.mark.parametrize("column", [*(column.key for column in run_views.COLUMNS), *run_views.SORTED_BY])
def test_it_sorts_runs_by_every_column(bob_client: Client, board: Export, column: str) -> None:
    for number in (1, 2, 3):
        Run.objects.create(
            export=board,
            number=number,
            trigger="manual",
            status=JobStatus.FAILED,
            finished_at=clock.now(),
            members=number,
            planned=3 * number,
            unknown=number,
            still_refused=number,
        )
    up = [shown.run.pk for shown, _results in bob_client.get(f"{history(board)}?sort={column}").context["runs"]]
    down = [shown.run.pk for shown, _results in bob_client.get(f"{history(board)}?sort=-{column}").context["runs"]]
    assert up == down[::-1]


def test_it_searches_runs(bob_client: Client, newsletter: Export, bob: User) -> None:
    run_to_its_end(newsletter, bob)
    run_to_its_end(newsletter)
    assert len(bob_client.get(f"{history(newsletter)}?q=brown").context["runs"]) == 1
    assert len(bob_client.get(f"{history(newsletter)}?q=nothing_new").context["runs"]) == 1


# -- a run -------------------------------------------------------------------------------------------------------


def test_it_accounts_for_everybody(charlie_client: Client, newsletter: Export, bob: User) -> None:
    run = run_to_its_end(newsletter, bob)
    shown = page(charlie_client, run)
    for words in (
        "Newsletter",
        "Manual, Bob Brown",
        "Sandbox",
        "3 not sent by this export before, 0 changed",
        f'<a href="/data/runs/{run.pk}/contacts/?kind=members" data-result="members">6</a>',
        f'<a href="/data/runs/{run.pk}/contacts/?kind=invalid" data-result="invalid">2</a>',
        f'<a href="/data/runs/{run.pk}/contacts/?kind=duplicate" data-result="duplicate">1</a>',
        f'<a href="/data/runs/{run.pk}/contacts/?kind=delivered" data-result="delivered">3</a>',
        f"/data/runs/{run.pk}/contacts/?kind=invalid&amp;code=no_email",
        "The profile has no email.",
        "1 of 1",
    ):
        assert words in shown, words
    assert 'hx-trigger="every' not in shown
    assert shown.count("stage--done") == 4


def test_it_leads_to_the_sandbox(charlie_client: Client, newsletter: Export, account: RunningSandbox) -> None:
    shown = page(charlie_client, run_to_its_end(newsletter))
    assert f'href="{account.url}/lists/{newsletter.list_id}/"' in shown


def test_it_says_that_nothing_was_sent_when_nothing_changed(bob_client: Client, newsletter: Export) -> None:
    run_to_its_end(newsletter)
    shown = page(bob_client, run_to_its_end(newsletter))
    assert "Nothing was sent" in shown
    assert "Not delivered: 3 excluded." in shown
    assert "No requests were made" in shown


def test_it_follows_a_run_live(bob_client: Client, under_way: Run) -> None:
    shown = page(bob_client, under_way)
    assert f'hx-get="/data/runs/{under_way.pk}/live/"' in shown
    live = page(bob_client, under_way, "live/")
    assert "<html" not in live
    for words in ("1 of 10 contacts", "contacts/s", "remaining", "Pending", "1 of 3", "Sending"):
        assert words in live, words
    assert 'hx-trigger="every 1s"' in live


def test_it_stops_following_when_the_run_ends(bob_client: Client, under_way: Run) -> None:
    change_status(under_way, JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE, message="HTTP 503, ten times.")
    live = page(bob_client, under_way, "live/")
    assert "hx-trigger" not in live
    assert "HTTP 503, ten times." in live
    assert "did not respond after many attempts" in live
    assert "stage--failed" in live


TAKEN = RunSnapshot(list_title="Spring")


@pytest.mark.parametrize(
    ("snapshot", "planned", "failed"), [(NO_SNAPSHOT, 0, "Check"), (TAKEN, 0, "Plan"), (TAKEN, 5, "Deliver")]
)
def test_it_shows_where_a_run_ended(
    bob_client: Client, board: Export, snapshot: RunSnapshot, planned: int, failed: str
) -> None:
    run = runs.start_run(board, by=None)
    values: dict[str, Any] = {"stage": Stage.COMPLETE, "snapshot": snapshot, "planned": planned}
    change_status(run, JobStatus.FAILED, Reason.LIST_REFUSED, **values)
    assert re.search(rf"stage--failed\" > {failed} ", page(bob_client, run))


def test_it_explains_why_a_run_did_not_start(bob_client: Client, newsletter: Export) -> None:
    newsletter.segments.update(refreshed_at=None)
    shown = page(bob_client, run_to_its_end(newsletter))
    assert "Skipped" in shown
    assert "Refresh the segment, then run the export again." in shown


def test_it_owns_up_to_batches_that_were_sent_twice(bob_client: Client, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    words = "Added contacts may be counted as updated"
    assert words not in page(bob_client, run)
    run.batches.update(attempt=2)
    assert words in page(bob_client, run)


def test_it_offers_to_run_again_to_users_who_may(
    bob_client: Client, charlie_client: Client, newsletter: Export
) -> None:
    run = run_to_its_end(newsletter)
    assert "run-again" in page(bob_client, run)
    assert "run-again" not in page(charlie_client, run)


def test_it_shows_the_settings_of_that_day(charlie_client: Client, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    Export.objects.update(name="Renamed", email_attribute="other", mapping=[])
    shown = page(charlie_client, run, "settings/")
    for words in ("first_name → Name", "Unchanged", "Everyone", "Queued", "Processing", "Successful"):
        assert words in shown


def test_it_takes_the_same_number_of_queries_however_many_batches(bob_client: Client, under_way: Run) -> None:
    def cost(tab: str) -> int:
        with CaptureQueriesContext(database) as queries:
            page(bob_client, under_way, tab)
        return len(queries)

    under_way.outcomes.create(kind="left", email="x@example.com", code="206", message="m")
    tabs = ("live/", "batches/", "contacts/?kind=suppressed")
    before = [cost(tab) for tab in tabs]
    for number in range(10, 30):
        batch = under_way.batches.get(number=1)
        batch.pk, batch.number, batch.label = None, number, str(number)
        batch.save(force_insert=True)
        under_way.outcomes.create(kind="left", email=f"x{number}@example.com", code=str(number), message="m")
    assert [cost(tab) for tab in tabs] == before


# -- batches -----------------------------------------------------------------------------------------------------


def test_it_lists_the_batches(charlie_client: Client, newsletter: Export) -> None:
    shown = page(charlie_client, run_to_its_end(newsletter), "batches/")
    for words in ("Done", '<td class="number">3</td>', '<td class="number">201</td>'):
        assert words in shown, words


def test_it_sorts_and_searches_batches(bob_client: Client, under_way: Run) -> None:
    rows = bob_client.get(f"/data/runs/{under_way.pk}/batches/?sort=-size").context["batches"]
    assert [row["batch"].size for row in rows] == [3, 2, 1]
    rows = bob_client.get(f"/data/runs/{under_way.pk}/batches/?q=sending").context["batches"]
    assert [row["batch"].number for row in rows] == [2]


def test_it_answers_404_for_a_run_that_is_not_there(bob_client: Client) -> None:
    for tab in ("", "live/", "contacts/", "batches/", "settings/"):
        assert bob_client.get(f"/data/runs/999/{tab}").status_code == 404


def test_it_shows_a_run_of_an_export_without_connection(bob_client: Client, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    Export.objects.update(connection=None)
    assert exports.sandbox_connection is not None
    for tab in ("", "settings/", "contacts/?kind=delivered", "batches/"):
        assert "Shared sandbox" in page(bob_client, run, tab) or tab
