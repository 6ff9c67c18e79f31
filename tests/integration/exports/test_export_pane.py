"""Add destination, Edit and View."""

from typing import Any

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import vault
from connections.models import Connection
from exports.models import Export
from segments.models import Segment
from tests.support import exports
from tests.support.sandbox import RunningSandbox

ADD = "/data/exports/add/"


def complete(account: RunningSandbox, connection: Connection, segment: Segment, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Everyone to the newsletter",
        "connection": connection.pk,
        "list_id": account.list_id,
        "email_attribute": "email",
        "segments": [segment.pk],
        "map_attribute": ["first_name", "city"],
        "map_field": ["name", "[City]"],
        "question_consent_to_track": "unchanged",
    } | changes


def edit_url(export: Export) -> str:
    return f"/data/exports/{export.pk}/"


# -- add -------------------------------------------------------------------------------------------------------


def test_it_turns_a_stranger_away(stranger_client: Client) -> None:
    assert stranger_client.get(ADD).status_code == 302


def test_it_refuses_a_viewer(charlie_client: Client) -> None:
    assert charlie_client.get(ADD).status_code == 403
    assert charlie_client.post(ADD, {"name": "x"}).status_code == 403


def test_it_ticks_what_is_there_already(bob_client: Client, shared: Connection, everyone: Segment) -> None:
    shown = bob_client.get(ADD)
    assert [step.met for step in shown.context["pane"].prerequisites] == [True, True, True]


def test_it_says_which_administrator_to_ask_when_nothing_is_shared(
    bob_client: Client, alice_client: Client, private: Connection, everyone: Segment
) -> None:
    shown = bob_client.get(ADD)
    assert [step.met for step in shown.context["pane"].prerequisites] == [False, True, True]
    assert "Ask an administrator" in shown.content.decode()
    assert "Board only" not in shown.content.decode()
    assert "Board only" in alice_client.get(ADD).content.decode()


def test_it_shows_an_administrator_where_to_create_a_connection(alice_client: Client, everyone: Segment) -> None:
    assert 'href="/admin/connections/"' in alice_client.get(ADD).content.decode()


def test_it_prefers_no_consent(bob_client: Client, shared: Connection, everyone: Segment) -> None:
    shown = bob_client.get(ADD).content.decode()
    assert shown.count('name="question_consent_to_track"') == 4
    question = shown.partition('id="options"')[2].partition('data-label="Values that the list cannot hold"')[0]
    assert "checked" not in question
    assert "assumes consent" in question


def test_it_saves_and_does_not_run(
    bob_client: Client, bob: User, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    answer = bob_client.post(ADD, complete(account, shared, everyone), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/data/exports/"
    export = Export.objects.get()
    assert (export.list_title, export.created_by, export.runs.count()) == ("Newsletter", bob, 0)
    assert export.list_group == account.client_id
    assert export.mapping == [
        {"attribute": "first_name", "field": "name"},
        {"attribute": "city", "field": "[City]"},
    ]
    assert AuditEntry.objects.filter(action="created", target_id=export.pk, actor_id=bob.pk).exists()


def test_it_says_once_that_it_is_saved_and_what_will_run_it(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    bob_client.post(ADD, complete(account, shared, everyone))
    shown = bob_client.get("/data/exports/").content.decode()
    assert "Saved. Not run yet." in shown
    assert "The export runs when you choose Run. The system refresh is off." in shown
    assert "Saved. Not run yet." not in bob_client.get("/data/exports/").content.decode()


def test_it_keeps_everything_typed_beside_its_errors(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    posted = complete(account, shared, everyone, list_id="c" * 32, name="", map_field=["name", ""])
    answer = bob_client.post(ADD, posted)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "does not have this list" in shown
    assert "Choose a field of the list" in shown
    draft = answer.context["pane"].draft
    assert (draft.list_id, draft.segments, draft.answers) == (
        "c" * 32,
        [str(everyone.pk)],
        {"consent_to_track": "unchanged"},
    )
    assert not Export.objects.exists()


def test_it_refuses_a_connection_that_is_not_shared(
    bob_client: Client, account: RunningSandbox, private: Connection, everyone: Segment
) -> None:
    answer = bob_client.post(ADD, complete(account, private, everyone))
    assert answer.status_code == 422
    assert "connection" in answer.context["form"].errors
    assert not Export.objects.exists()
    assert account.requests()["totals"]["calls"] == 0


def test_it_wants_the_emails_of_a_confirmed_list_accepted(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    confirmed = account.create_list("Confirmed", confirmed=True, fields=[("City", "Text")])
    posted = complete(account, shared, everyone, list_id=confirmed)
    answer = bob_client.post(ADD, posted)
    assert answer.status_code == 422
    assert "<strong>3</strong> new contacts" in answer.content.decode()
    assert bob_client.post(ADD, posted | {"opt_in_mail_accepted": "on"}).status_code == 302
    assert Export.objects.get().opt_in_mail_accepted


def test_it_tells_of_a_connection_that_cannot_run_yet(
    bob_client: Client, shared: Connection, everyone: Segment
) -> None:
    vault.mark_reconnect_needed(shared, "revoked")
    assert "does not run until then" in bob_client.get(ADD).content.decode()


# -- edit ------------------------------------------------------------------------------------------------------


def test_it_opens_at_once_and_asks_the_vendor_afterwards(bob_client: Client, newsletter: Export) -> None:
    shown = bob_client.get(edit_url(newsletter)).content.decode()
    assert 'hx-trigger="load"' in shown
    assert newsletter.list_id in shown


def test_it_saves_a_change(
    bob_client: Client, newsletter: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    posted = complete(account, shared, everyone, name="Renamed", version=newsletter.version)
    assert bob_client.post(edit_url(newsletter), posted).status_code == 302
    newsletter.refresh_from_db()
    assert (newsletter.name, newsletter.version) == ("Renamed", 2)
    assert "Changes apply" not in bob_client.get("/data/exports/").content.decode()  # it never ran


def test_it_shows_a_stale_save_who_changed_what_and_keeps_what_was_typed(
    alice_client: Client,
    bob_client: Client,
    newsletter: Export,
    account: RunningSandbox,
    shared: Connection,
    everyone: Segment,
) -> None:
    version = newsletter.version
    theirs = complete(account, shared, everyone, name="By Alice", version=version)
    assert alice_client.post(edit_url(newsletter), theirs).status_code == 302
    mine = complete(account, shared, everyone, name="By Bob", version=version)
    answer = bob_client.post(edit_url(newsletter), mine)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Alice Adams" in shown
    assert "<del>first_name → name</del> → <ins>first_name → name, city → [City]</ins>" in shown
    assert 'value="By Bob"' in shown
    newest = Export.objects.get().version
    assert bob_client.post(edit_url(newsletter), mine | {"overwrite_version": newest}).status_code == 302
    assert Export.objects.get().name == "By Bob"


def test_it_tells_when_the_export_is_gone(
    bob_client: Client, newsletter: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    newsletter_url = edit_url(newsletter)
    Export.objects.all().delete()
    assert bob_client.get(newsletter_url).status_code == 404
    assert bob_client.post(newsletter_url, complete(account, shared, everyone)).status_code == 404


def test_it_lets_a_contributor_put_a_connection_on_an_export_without(
    bob_client: Client, board: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    Export.objects.update(connection=None)
    posted = complete(account, shared, everyone, version=board.version)
    assert bob_client.post(edit_url(board), posted).status_code == 302
    assert Export.objects.get().connection == shared


# -- view ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_shows_others_the_settings_and_nothing_to_change(
    who: str, board: Export, request: pytest.FixtureRequest
) -> None:
    shown = request.getfixturevalue(who).get(edit_url(board)).content.decode()
    assert "You can view this export" in shown
    assert "Everyone" in shown
    assert "<select" not in shown
    assert "Run history" in shown


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_refuses_a_post_made_by_hand(
    who: str,
    board: Export,
    account: RunningSandbox,
    private: Connection,
    everyone: Segment,
    request: pytest.FixtureRequest,
) -> None:
    posted = complete(account, private, everyone, version=board.version)
    assert request.getfixturevalue(who).post(edit_url(board), posted).status_code == 403
    assert Export.objects.get().name == "Board"


def test_it_answers_htmx_with_the_pane_alone(bob_client: Client, board: Export) -> None:
    headers = {"HX-Request": "true", "HX-Target": "pane"}
    assert "<html" not in bob_client.get(edit_url(board), headers=headers).content.decode()
    assert "<html" in bob_client.get(edit_url(board)).content.decode()


def test_it_never_shows_a_key(
    alice_client: Client, newsletter: Export, shared: Connection, everyone: Segment
) -> None:
    for url in (ADD, edit_url(newsletter)):
        assert exports.API_KEY not in alice_client.get(url).content.decode()
