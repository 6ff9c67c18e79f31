"""When a connection works."""

import pytest

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.web.templatetags.ui import status_pill
from connections import vault
from connections.models import Connection
from connections.policies import ConnectionStatus, status_of, why_it_cannot_run
from tests.support.connections import make_connection

TONES = {"neutral", "info", "working", "success", "warning", "danger"}


def test_it_runs_when_nothing_is_missing(alice: User) -> None:
    connection = make_connection(alice)
    assert status_of(connection) is ConnectionStatus.READY
    assert why_it_cannot_run(connection) is None


@pytest.mark.parametrize(
    ("missing", "status"),
    [
        ("connected", ConnectionStatus.NOT_CONNECTED),
        ("consent", ConnectionStatus.CONSENT_NEEDED),
        ("export_user", ConnectionStatus.EXPORT_USER_NEEDED),
    ],
)
def test_it_says_what_is_missing(alice: User, missing: str, status: ConnectionStatus) -> None:
    there = {name: name != missing for name in ("connected", "consent", "export_user")}
    connection = make_connection(
        alice, connected=there["connected"], consent=there["consent"], export_user=there["export_user"]
    )
    assert why_it_cannot_run(connection) is status


def test_it_needs_to_be_reconnected_when_the_account_refuses(alice: User) -> None:
    connection = make_connection(alice)
    vault.mark_reconnect_needed(connection, "The key is gone.")
    assert why_it_cannot_run(Connection.objects.get()) is ConnectionStatus.RECONNECT_NEEDED


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.CONTRIBUTOR}])
def test_it_needs_an_export_user_who_is_still_an_administrator(alice: User, change: dict[str, object]) -> None:
    make_connection(alice)
    User.objects.update(**change)
    assert why_it_cannot_run(Connection.objects.get()) is ConnectionStatus.EXPORT_USER_NEEDED


def test_it_needs_another_export_user_when_the_first_is_removed(alice: User) -> None:
    make_connection(alice)
    alice.delete()
    assert why_it_cannot_run(Connection.objects.get()) is ConnectionStatus.EXPORT_USER_NEEDED


def test_a_sandbox_needs_neither_consent_nor_export_user(alice: User) -> None:
    connection = make_connection(alice, environment="sandbox", consent=False, export_user=False)
    assert why_it_cannot_run(connection) is None


def test_a_sandbox_needs_an_account_all_the_same(alice: User) -> None:
    connection = make_connection(alice, environment="sandbox", connected=False)
    assert why_it_cannot_run(connection) is ConnectionStatus.NOT_CONNECTED


@pytest.mark.parametrize("status", ConnectionStatus)
def test_every_status_has_a_label_a_tone_an_icon_and_a_sentence(status: ConnectionStatus) -> None:
    assert str(status.label)
    assert status.tone in TONES
    assert str(status.sentence).endswith(".")
    assert "<svg" in status_pill(status.value, status.label, status.tone, status.icon)
