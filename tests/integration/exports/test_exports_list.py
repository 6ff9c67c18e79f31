"""Data > Exports: the list."""

import re

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Run
from exports.state.status import Reason, change_status
from exports.views.listing import COLUMNS
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports

URL = "/data/exports/"


def page(client: Client, query: str = "") -> str:
    answer = client.get(URL + query)
    assert answer.status_code == 200
    return answer.content.decode()


def names(client: Client, query: str = "") -> list[str]:
    return [row.export.name for row in client.get(URL + query).context["rows"]]


def three(shared: Connection, private: Connection, everyone: Segment) -> list[Export]:
    return [
        exports.export_to(None, connection, everyone, list_id=f"{n:032}", name=name)
        for n, (name, connection) in enumerate([("Spring", shared), ("autumn", private), ("Winter", shared)])
    ]


def test_it_turns_a_stranger_away(stranger_client: Client) -> None:
    assert stranger_client.get(URL).status_code == 302


def test_it_says_what_to_do_when_there_is_none(bob_client: Client) -> None:
    assert "Nothing is sent until you start a run" in page(bob_client)


def test_it_tells_a_viewer_who_sets_exports_up(charlie_client: Client) -> None:
    shown = page(charlie_client)
    assert "Contributors and administrators set up exports" in shown
    assert "Add destination" not in shown


def test_it_shows_what_never_ran(bob_client: Client, board: Export) -> None:
    shown = page(bob_client)
    assert "Not started" in shown
    assert "System refresh (off)" in shown
    assert "sandbox" in shown.lower()


def test_it_shows_the_last_run_with_links_to_the_people(bob_client: Client, newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    shown = page(bob_client)
    assert "Successful" in shown
    assert (
        f'href="/data/runs/{run.pk}/contacts/?kind=delivered" data-result="delivered" ><strong>3</strong>' in shown
    )
    assert "just now" in shown


def test_it_tells_the_reason_on_the_status(bob_client: Client, board: Export) -> None:
    run = runs.start_run(board, by=None)
    change_status(run, JobStatus.SKIPPED, Reason.SEGMENTS_NOT_REFRESHED)
    shown = page(bob_client)
    assert "Segments not refreshed yet" in shown
    assert "Refresh the segment, then run the export again." in shown


def test_it_says_that_there_is_no_connection(bob_client: Client, board: Export) -> None:
    Export.objects.update(connection=None)
    assert "No connection" in page(bob_client)


def test_it_tells_each_person_their_permissions(
    alice_client: Client,
    bob_client: Client,
    charlie_client: Client,
    shared: Connection,
    private: Connection,
    everyone: Segment,
) -> None:
    three(shared, private, everyone)
    rows = {row.export.name: row for row in bob_client.get(URL).context["rows"]}
    expected = ["edit run detach", "view", "edit run detach"]
    assert [rows[name].allows for name in ("Spring", "autumn", "Winter")] == expected
    assert {row.allows for row in alice_client.get(URL).context["rows"]} == {"edit run detach"}
    assert {row.allows for row in charlie_client.get(URL).context["rows"]} == {"view"}


def test_it_sorts_by_permission_as_it_shows_it(
    bob_client: Client, shared: Connection, private: Connection, everyone: Segment
) -> None:
    three(shared, private, everyone)
    assert names(bob_client, "?sort=permissions") == ["Spring", "Winter", "autumn"]


@pytest.mark.parametrize("column", [column.key for column in COLUMNS])
def test_it_sorts_by_every_column(
    bob_client: Client, shared: Connection, private: Connection, everyone: Segment, column: str
) -> None:
    three(shared, private, everyone)
    assert sorted(names(bob_client, f"?sort={column}")) == sorted(names(bob_client, f"?sort=-{column}"))


def test_it_sorts_by_name_whatever_its_case(
    bob_client: Client, shared: Connection, private: Connection, everyone: Segment
) -> None:
    three(shared, private, everyone)
    assert names(bob_client) == ["autumn", "Spring", "Winter"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("spring", ["Spring"]),
        ("board", ["autumn"]),
        ("campaign monitor", ["autumn", "Spring", "Winter"]),
        ("shared win", ["Winter"]),
        ("nobody", []),
    ],
)
def test_it_searches_name_connection_and_type(
    bob_client: Client, shared: Connection, private: Connection, everyone: Segment, words: str, found: list[str]
) -> None:
    three(shared, private, everyone)
    assert names(bob_client, f"?q={words}") == found


def test_it_asks_for_running_exports_again_and_stops_when_they_are_done(bob_client: Client, board: Export) -> None:
    run = runs.start_run(board, by=None)
    asked = f"{URL}statuses/?ids={board.pk}"
    assert asked in page(bob_client)
    live = bob_client.get(asked).content.decode()
    assert "Queued" in live
    assert 'hx-trigger="every 2s"' in live
    change_status(run, JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    live = bob_client.get(asked).content.decode()
    assert "Canceled" in live
    assert "hx-trigger" not in live


def test_it_updates_only_what_it_is_asked_for(bob_client: Client, board: Export) -> None:
    assert f'id="status-{board.pk}"' not in bob_client.get(f"{URL}statuses/?ids=0,x,,99").content.decode()


def test_it_takes_the_same_number_of_queries_for_one_and_for_thirty(
    bob_client: Client, shared: Connection, private: Connection, everyone: Segment
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            page(bob_client)
        return len(queries)

    first = exports.export_to(None, shared, everyone, list_id="a" * 32, name="First")
    Run.objects.create(export=first, number=1, trigger="manual")
    page(bob_client)  # warms what is cached for the process
    before = cost()
    for n in range(30):
        connection = shared if n % 2 else private
        export = exports.export_to(None, connection, everyone, list_id=f"{n:032}", name=f"Export {n}")
        Run.objects.create(export=export, number=1, trigger="manual")
    assert cost() == before


def test_it_offers_the_commands_that_a_row_allows(bob_client: Client, bob: User, board: Export) -> None:
    shown = page(bob_client)
    assert re.search(r'<tr data-can="view">', shown)
    for command in ("Edit", "View", "Run", "Create duplicate", "Remove", "Run history"):
        assert f"<span>{command}</span>" in shown
