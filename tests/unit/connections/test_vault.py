"""A secret that is kept elsewhere is read when it is used."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.encryption.references import UnresolvedReference, resolve_reference
from connections import actions, vault
from connections.credentials import access
from connections.models import Connection
from connections.vault import NotConnected
from tests.support.connections import make_connection


def connection_with(by: User, reference: str) -> Connection:
    connection = make_connection(by)
    actions.set_credentials(by=by, connection=connection, secrets={"api_key": reference}, options={})
    return Connection.objects.get()


def test_the_reference_is_stored_and_the_secret_used(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connection_with(alice, "env:CREDENTIAL_SHOP")
    assert vault.stored(connection) == {"api_key": "env:CREDENTIAL_SHOP"}
    for secret in ("first", "exchanged"):
        monkeypatch.setenv("CREDENTIAL_SHOP", secret)
        assert access(connection).credentials == {"api_key": secret}


def test_a_file_leads_to_its_content(alice: User, tmp_path: Path, settings: Settings) -> None:
    settings.CREDENTIAL_DIR = str(tmp_path)
    (tmp_path / "key").write_text("from-a-file\n", encoding="utf-8")
    assert access(connection_with(alice, f"file:{tmp_path}/key")).credentials == {"api_key": "from-a-file"}


def test_a_missing_variable_is_named(alice: User) -> None:
    with pytest.raises(NotConnected, match="no variable CREDENTIAL_SHOP"):
        access(connection_with(alice, "env:CREDENTIAL_SHOP"))


def test_what_is_no_reference_is_the_secret_itself() -> None:
    assert resolve_reference("0123:456") == "0123:456"


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_URL", "OIDC_CLIENT_SECRET", "WEBHOOK_SECRET", "PATH", ""]
)
def test_only_variables_for_credentials_can_be_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name or "UNUSED", "hush")
    with pytest.raises(UnresolvedReference, match="The variable name must start with CREDENTIAL_") as refused:
        resolve_reference(f"env:{name}")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "path",
    ["key", "/proc/self/environ", "/etc/passwd", "/nowhere/at/all", "/", "{inside}/../outside", "{inside}/link"],
)
def test_only_files_below_the_folder_for_credentials_can_be_named(
    path: str, tmp_path: Path, settings: Settings
) -> None:
    """The sentence is the same whether the file exists or not."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside").write_text("hush", encoding="utf-8")
    (inside / "link").symlink_to(tmp_path / "outside")
    settings.CREDENTIAL_DIR = str(inside)
    with pytest.raises(UnresolvedReference) as refused:
        resolve_reference(f"file:{path.format(inside=inside)}")
    assert str(refused.value) == (
        f"The file must be in the folder {inside}. Move the secret there and enter its full path."
    )


def test_a_file_that_a_setting_comes_from_cannot_be_named(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CREDENTIAL_DIR = str(tmp_path)
    (tmp_path / "secret_key").write_text("hush", encoding="utf-8")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret_key"))
    with pytest.raises(UnresolvedReference, match="must be in the folder"):
        resolve_reference(f"file:{tmp_path}/secret_key")


def test_a_missing_file_is_named(tmp_path: Path, settings: Settings) -> None:
    settings.CREDENTIAL_DIR = str(tmp_path)
    with pytest.raises(UnresolvedReference, match="cannot be read: No such file"):
        resolve_reference(f"file:{tmp_path}/missing")
