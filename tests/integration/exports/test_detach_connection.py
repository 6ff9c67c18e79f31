"""Detach connection: for one export and for several, and coming back with another connection."""

from collections.abc import Sequence

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import actions
from connections.hooks import OnRemoval
from connections.models import Connection
from exports.actions import manage, runs
from exports.models import Export, SyncedContact
from exports.policies import Refusal
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports as support_exports
from tests.support.sandbox import RunningSandbox

DETACH = "/data/exports/detach/"
REMOVE = "/data/exports/remove/"


@pytest.fixture
def two(shared: Connection, everyone: Segment, bob: User) -> list[Export]:
    """Two exports on the shared connection."""
    return [
        support_exports.export_to(None, shared, everyone, list_id=key * 32, name=f"Export {key}", by=bob)
        for key in ("a", "b")
    ]


def put_on(export: Export, connection: Connection | None, by: User, list_id: str = "") -> None:
    """The same over this connection."""
    settings = manage.ExportSettings(
        name=export.name,
        connection=connection,
        list_id=list_id or export.list_id,
        email_attribute="email",
        segments=list(export.segments.all()),
        mapping=export.mapping,
        answers=export.answers,
    )
    manage.edit(export, settings, version=export.version, by=by)


def selected(exports: Sequence[Export]) -> dict[str, list[int]]:
    return {"selected": [export.pk for export in exports]}


def test_it_asks_first(bob_client: Client, two: list[Export]) -> None:
    html = bob_client.get(DETACH, selected(two)).content.decode()
    assert "Detach 2 exports?" in html
    assert "Export a" in html
    assert "Detach “Export a” from its connection?" in bob_client.get(DETACH, selected(two[:1])).content.decode()


def test_it_detaches_several(bob_client: Client, two: list[Export]) -> None:
    bob_client.post(DETACH, selected(two))
    assert Export.objects.filter(connection=None, version=2).count() == 2
    assert AuditEntry.objects.filter(action="detached", actor_name="Bob Brown").count() == 2


def test_it_removes_several(bob_client: Client, two: list[Export]) -> None:
    bob_client.post(REMOVE, selected(two))
    assert not Export.objects.exists()


@pytest.mark.parametrize("url", [DETACH, REMOVE])
def test_it_does_all_or_nothing(bob_client: Client, two: list[Export], url: str) -> None:
    runs.start_run(two[1], by=None)
    response = bob_client.post(url, selected(two))
    assert response.status_code == 409
    assert "Run 1 of “Export b” is in progress" in response.content.decode()
    assert Export.objects.exclude(connection=None).count() == 2


@pytest.mark.parametrize("url", [DETACH, REMOVE])
@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_refuses_users_who_may_not_manage_all(
    request: pytest.FixtureRequest, who: str, url: str, two: list[Export], board: Export
) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.get(url, selected([*two, board])).status_code == 403
    assert client.post(url, selected([*two, board])).status_code == 403
    assert Export.objects.exclude(connection=None).count() == 3


@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["999999"]])
def test_it_finds_nothing_for_nonsense(alice_client: Client, ids: list[str]) -> None:
    assert alice_client.post(DETACH, {"selected": ids}).status_code == 404


def test_it_turns_a_stranger_away(stranger_client: Client, two: list[Export]) -> None:
    assert stranger_client.post(DETACH, selected(two)).status_code == 302
    assert Export.objects.exclude(connection=None).count() == 2


def test_the_list_offers_it_only_where_there_is_a_connection(bob_client: Client, two: list[Export]) -> None:
    bob_client.post(DETACH, selected(two[:1]))
    html = bob_client.get("/data/exports/").content.decode()
    assert html.count('data-can="edit"') == 1
    assert html.count('data-can="edit run detach"') == 1


@pytest.mark.django_db(transaction=True)
def test_it_remembers_delivered_contacts(
    newsletter: Export, account: RunningSandbox, alice: User, bob: User
) -> None:
    first = run_to_its_end(newsletter)
    assert first.delivered == 3
    connection = newsletter.connection
    assert connection is not None
    assert actions.remove(by=alice, connection=connection, choices={str(newsletter.pk): OnRemoval.DETACH})
    newsletter.refresh_from_db()
    assert newsletter.connection is None
    assert SyncedContact.objects.count() == 3
    another = support_exports.sandbox_connection(by=alice, name="Second")
    put_on(newsletter, another, bob)
    again = run_to_its_end(newsletter)
    assert (again.unchanged, again.planned, again.reason) == (3, 0, "nothing_new")


def test_it_goes_to_no_other_connection_while_a_run_is_under_way(
    newsletter: Export, alice: User, bob: User
) -> None:
    """The run was checked against the limits of the one that it has."""
    another = support_exports.sandbox_connection(by=alice, name="Another")
    run = runs.start_run(newsletter, by=bob)
    with pytest.raises(Refusal, match=f"Run {run.number} of “Newsletter” is in progress"):
        put_on(newsletter, another, bob)
    newsletter.refresh_from_db()
    put_on(newsletter, newsletter.connection, bob)


def test_one_list_is_the_same_however_its_id_is_written(newsletter: Export, bob: User) -> None:
    run_to_its_end(newsletter)
    put_on(newsletter, newsletter.connection, bob, list_id=newsletter.list_id.upper())
    newsletter.refresh_from_db()
    assert run_to_its_end(newsletter).unchanged == 3
    assert newsletter.delivered_sets.count() == 1


def test_no_user_puts_an_export_on_a_connection_that_is_not_shared(
    private: Connection, newsletter: Export, everyone: Segment, bob: User, charlie: User
) -> None:
    from django.core.exceptions import PermissionDenied

    for person in (bob, charlie):
        with pytest.raises(PermissionDenied):
            support_exports.export_to(None, private, everyone, list_id="c" * 32, name="Sneaky", by=person)
    assert Export.objects.count() == 1
