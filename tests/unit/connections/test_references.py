"""A secret that is kept elsewhere is read when it is used."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.accounts.models import User
from connections import actions, credentials
from connections.credentials import NotConnected, access
from connections.models import Connection
from connections.references import LeadsNowhere, resolve
from tests.connecting import make_connection


def connection_with(by: User, reference: str) -> Connection:
    connection = make_connection(by)
    actions.set_credentials(by=by, connection=connection, secrets={"api_key": reference}, options={})
    return Connection.objects.get()


def test_the_reference_is_stored_and_the_secret_used(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connection_with(alice, "env:SHOP_KEY")
    assert credentials.stored(connection) == {"api_key": "env:SHOP_KEY"}
    for secret in ("first", "exchanged"):
        monkeypatch.setenv("SHOP_KEY", secret)
        assert access(connection).credentials == {"api_key": secret}


def test_a_file_leads_to_its_content(alice: User, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n", encoding="utf-8")
    assert access(connection_with(alice, f"file:{tmp_path}/key")).credentials == {"api_key": "from-a-file"}


def test_a_missing_variable_is_named(alice: User) -> None:
    with pytest.raises(NotConnected, match="no variable SHOP_KEY"):
        access(connection_with(alice, "env:SHOP_KEY"))


def test_what_is_no_reference_is_the_secret_itself() -> None:
    assert resolve("0123:456") == "0123:456"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env:SECRET_KEY", "belongs to this system"),
        ("env:CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET", "belongs to this system"),
        ("file:key", "whole path"),
        ("file:/proc/self/environ", "belongs to the system"),
        ("file:/nowhere/at/all", "cannot be read"),
        ("file:/", "cannot be read"),
    ],
)
def test_it_leads_only_where_secrets_are_kept(reference: str, why: str) -> None:
    with pytest.raises(LeadsNowhere, match=why):
        resolve(reference)


def test_it_never_leads_to_our_own_keys(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path
    (tmp_path / "encryption_key").write_text("k1:hush", encoding="ascii")
    (tmp_path.parent / "link").symlink_to(tmp_path / "encryption_key")
    for path in (tmp_path / "encryption_key", tmp_path.parent / "link"):
        with pytest.raises(LeadsNowhere, match="belongs to the system"):
            resolve(f"file:{path}")
