"""Admin > Audit shows the codes of values, actions and the system in the language of its reader."""

from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.record import record

PAGE = "/admin/audit/"


def page(client: Client, language: str, query: str = "") -> str:
    return client.get(PAGE + query, headers={"accept-language": language}).content.decode()


def test_codes_of_values_have_labels(alice_client: Client, bob: User) -> None:
    settings = {"removal": "leave", "control_mode": "off"}
    record("export.created", bob, by=None, changes={"settings": (None, settings), "language": (None, "zh-hans")})
    record("connection.connected", bob, by=None, changes={"columns": (None, "city")})
    record("signed in", bob, by=bob, changes={"by": (None, "password")})
    english = page(alice_client, "en")
    for told in ("Keep on the list", "No control group", "中文（简体）", "Columns", "System"):
        assert told in english
    chinese = page(alice_client, "zh-hans")
    for code in (">leave<", "leave;", ": off", "zh-hans</ins>", "Connected", "Columns", ">system<", ">password<"):
        assert code not in chinese
    assert "已创建" in chinese


def test_an_action_stands_once_in_the_filter_and_finds_all_its_kinds(alice_client: Client, bob: User) -> None:
    record("created", bob, by=bob, changes={"name": (None, "First")})
    record("connection.created", bob, by=bob, changes={"name": (None, "Second")})
    shown = page(alice_client, "en", "?action=created")
    assert shown.count('<option value="created"') == 1
    assert "connection.created" not in shown
    assert "First" in shown
    assert "Second" in shown
