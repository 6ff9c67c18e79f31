"""The parts that the pane of an export fetches while a user fills it in."""

from typing import Any

import pytest
from django.test import Client

from connections import lookups
from connections.models import Connection
from exports.models import Export
from segments.models import Segment
from tests.support.sandbox import RunningSandbox

URL = "/data/exports/parts/"


def parts(client: Client, changed: str, query: str = "", **typed: Any) -> str:
    answer = client.post(f"{URL}?changed={changed}{query}", typed)
    assert answer.status_code == 200
    return answer.content.decode()


def calls_about(account: RunningSandbox, list_id: str) -> int:
    """Others may still be answered that were asked earlier."""
    return sum(list_id in call["path"] for call in account.requests()["requests"])


def test_it_refuses_a_viewer(charlie_client: Client) -> None:
    assert charlie_client.post(f"{URL}?changed=list_id").status_code == 403


def test_it_asks_nothing_of_a_connection_that_is_not_shared(
    bob_client: Client, account: RunningSandbox, private: Connection
) -> None:
    shown = parts(bob_client, "list_id", connection=private.pk, list_id=account.list_id)
    assert "Sandbox client" not in shown
    assert account.requests()["totals"]["calls"] == 0


def test_it_offers_the_lists_of_the_chosen_account(
    bob_client: Client, account: RunningSandbox, shared: Connection
) -> None:
    account.create_list("Spring")
    shown = parts(bob_client, "connection", connection=shared.pk)
    assert '<optgroup label="Sandbox client">' in shown
    assert shown.index("Newsletter</option>") < shown.index("Spring</option>")


def test_it_looks_a_pasted_id_up(bob_client: Client, account: RunningSandbox, shared: Connection) -> None:
    account.import_people([{"EmailAddress": "known@example.com"}])
    spring = account.create_list("Spring", confirmed=True, scope="OnlyThisList")
    shown = parts(bob_client, "list_id", connection=shared.pk, list_id=f" {account.list_id} ")
    for words in ("<strong>Newsletter</strong>", "<dd>1</dd>", "Single", "all lists of the client"):
        assert words in shown
    shown = parts(bob_client, "list_id", connection=shared.pk, list_id=spring)
    for words in ("<strong>Spring</strong>", "Confirmed: new subscribers get an email", "this list only"):
        assert words in shown


def test_it_says_beside_the_field_that_there_is_no_such_list(
    bob_client: Client, account: RunningSandbox, shared: Connection
) -> None:
    shown = parts(bob_client, "list_id", connection=shared.pk, list_id="d" * 32)
    assert "does not have this list" in shown
    assert "data-need" in shown


def test_it_puts_a_picked_list_into_the_field(
    bob_client: Client, account: RunningSandbox, shared: Connection
) -> None:
    picked: dict[str, Any] = {"connection": shared.pk, "list_id": "typed before", "list_pick": account.list_id}
    shown = parts(bob_client, "list_pick", **picked)
    assert f'value="{account.list_id}"' in shown
    assert "<strong>Newsletter</strong>" in shown


def test_it_asks_the_vendor_once_a_minute(bob_client: Client, account: RunningSandbox, shared: Connection) -> None:
    own = account.create_list("Own")
    typed: dict[str, Any] = {"connection": shared.pk, "list_id": own}
    parts(bob_client, "list_id", **typed)
    asked = calls_about(account, own)
    parts(bob_client, "list_id", **typed)
    assert calls_about(account, own) == asked > 0


def test_it_says_that_a_vendor_is_slow_and_knows_the_answer_later(
    bob_client: Client, account: RunningSandbox, shared: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "PATIENCE_SECONDS", 0.05)
    account.faults({"latency_ms": 300})
    typed: dict[str, Any] = {"connection": shared.pk, "list_id": account.list_id, "name": "Typed"}
    shown = parts(bob_client, "list_id", **typed)
    assert "The request is taking longer than usual" in shown
    assert "Reload list" in shown
    assert "data-need" not in shown
    account.clear_faults()
    monkeypatch.setattr(lookups, "PATIENCE_SECONDS", 8.0)
    assert "<strong>Newsletter</strong>" in parts(bob_client, "list_id", **typed)


def test_it_says_that_a_vendor_is_broken_and_still_takes_an_id(
    bob_client: Client, account: RunningSandbox, shared: Connection
) -> None:
    account.faults({"rules": [{"kind": "error", "status": 500}]})
    shown = parts(bob_client, "connection", connection=shared.pk, list_id=account.list_id)
    assert "You can still enter an ID" in shown
    assert "notice--warning" in shown


def test_it_counts_how_good_the_addresses_are(bob_client: Client, everyone: Segment) -> None:
    shown = parts(bob_client, "segments", email_attribute="email", segments=[everyone.pk])
    assert "<strong>6</strong> unique contacts" in shown
    assert "<strong>3</strong> unique valid emails" in shown
    assert "<strong>83%</strong> have a value" in shown
    assert "<strong>67%</strong> are valid emails" in shown


def test_it_warns_of_more_people_than_one_export_sends(
    bob_client: Client, everyone: Segment, settings: Any
) -> None:
    settings.MAX_PROFILES_PER_EXPORT = 2
    shown = parts(bob_client, "segments", email_attribute="email", segments=[everyone.pk])
    assert "One export sends at most 2 contacts" in shown


def test_it_warns_of_more_people_than_the_contract_allows(
    bob_client: Client, shared: Connection, everyone: Segment
) -> None:
    typed: dict[str, Any] = {"connection": shared.pk, "email_attribute": "email", "segments": [everyone.pk]}
    assert "contract of this connection" not in parts(bob_client, "segments", **typed)
    Connection.objects.update(limits={"most_people": 2})
    assert "contract of this connection allows 2 contacts" in parts(bob_client, "segments", **typed)


def test_it_offers_each_field_once(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    typed: dict[str, Any] = {"connection": shared.pk, "list_id": account.list_id}
    rows: dict[str, Any] = {"map_attribute": ["first_name"], "map_field": ["name"]}
    shown = parts(bob_client, "rows", "&rows=add", **typed, **rows)
    assert shown.count("mapping__row") == 2
    assert '<option value="name" selected >' in shown
    assert '<option value="name"  disabled>' in shown
    assert "City · text" in shown


def test_it_removes_a_row_and_keeps_the_others(bob_client: Client, everyone: Segment) -> None:
    rows: dict[str, Any] = {"map_attribute": ["first_name", "city"], "map_field": ["name", "[City]"]}
    shown = parts(bob_client, "rows", "&rows=0", **rows)
    assert shown.count("mapping__row") == 1
    assert '<option value="city" selected>' in shown


def test_it_matches_by_name(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    typed: dict[str, Any] = {"connection": shared.pk, "list_id": account.list_id, "email_attribute": "email"}
    shown = parts(bob_client, "rows", "&rows=match", **typed)
    assert '<option value="[City]" selected >' in shown


def test_it_says_which_field_another_list_lacks(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    bare = account.create_list("Bare")
    rows: dict[str, Any] = {"map_attribute": ["city"], "map_field": ["[City]"]}
    shown = parts(bob_client, "list_pick", connection=shared.pk, list_pick=bare, **rows)
    assert "“Bare” has no field [City]." in shown


def test_it_counts_contacts_that_would_be_emailed_and_asks_again(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    confirmed = account.create_list("Confirmed", confirmed=True)
    typed: dict[str, Any] = {
        "connection": shared.pk,
        "list_id": confirmed,
        "email_attribute": "email",
        "segments": [everyone.pk],
        "opt_in_mail_accepted": "on",
    }
    shown = parts(bob_client, "list_id", **typed)
    assert "will email <strong>3</strong> new contacts" in shown
    box = shown.partition('id="id_opt_in_mail_accepted"')[2].partition(">")[0]
    assert "checked" not in box
    kept = parts(bob_client, "opened", **typed).partition('id="id_opt_in_mail_accepted"')[2].partition(">")[0]
    assert "checked" in kept


def test_other_users_do_not_see_what_an_export_has_delivered(
    bob_client: Client, account: RunningSandbox, board: Export
) -> None:
    assert bob_client.post(f"{URL}?changed=opened&export={board.pk}").status_code == 403


def test_it_answers_nonsense_with_nothing(bob_client: Client) -> None:
    assert "hx-swap-oob" not in parts(bob_client, "nonsense", "&rows=999&export=x")


def test_a_change_that_was_overtaken_is_answered_with_the_later_one(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    shown = parts(
        bob_client, "segments", unanswered="opened:,rows:add", connection=shared.pk, list_id=account.list_id
    )
    for part in ("list-details", "mapping", "segments-total"):
        assert f'id="{part}"' in shown
    assert "<strong>Newsletter</strong>" in shown
    assert 'id="map-attribute-0"' in shown


def test_of_a_list_that_is_picked_and_one_that_is_typed_the_later_counts(
    bob_client: Client, account: RunningSandbox, shared: Connection
) -> None:
    typed: dict[str, Any] = {
        "connection": shared.pk,
        "list_id": account.list_id,
        "list_pick": account.create_list("Spring"),
    }
    assert "<strong>Spring</strong>" in parts(bob_client, "email", unanswered="list_id:,list_pick:", **typed)
    assert "<strong>Newsletter</strong>" in parts(bob_client, "list_id", unanswered="list_pick:", **typed)


def test_rows_that_go_are_counted_as_they_stood(bob_client: Client, shared: Connection) -> None:
    typed: dict[str, Any] = {
        "connection": shared.pk,
        "map_attribute": ["a", "b", "c"],
        "map_field": ["[A]", "[B]", "[C]"],
    }
    shown = parts(bob_client, "rows", "&rows=1", unanswered="rows:0,rows:0", **typed)
    assert 'id="map-attribute-0"' in shown
    assert 'id="map-attribute-1"' not in shown
    assert "c (not available)" in shown
