"""“Add yourself” by an administrator whose only way in is single sign-on: they confirm there."""

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts import reauthentication
from config.platform.accounts.models import User
from connections.models import Connection
from tests.integration.config.test_single_sign_on import provider, there_and_back
from tests.support import oidc
from tests.support.connections import make_connection

__all__ = ["provider"]


@pytest.fixture
def connection(alice: User) -> Connection:
    return make_connection(alice, "Winter mail")


@pytest.fixture
def dora_client(stranger_client: Client, provider: oidc.Provider, settings: Settings) -> Client:
    """Dora came by single sign-on, and administers."""
    settings.OIDC_DEFAULT_ROLE = "administrator"
    there_and_back(stranger_client)
    return stranger_client


def test_it_wants_them_to_sign_in_again_and_remembers_that(
    dora_client: Client, alice: User, connection: Connection
) -> None:
    address = f"/admin/permissions/{alice.pk}/deactivate/"
    ticked = {"instead-add_yourself": f"connection-{connection.pk}"}
    asked = dora_client.get(address).content.decode()
    assert "Confirm your identity by single sign-on" in asked
    assert "Your password" not in asked
    refused = dora_client.post(address, ticked)
    assert refused.status_code == 422
    assert "Confirm your identity first." in refused.content.decode()
    assert there_and_back(dora_client, reauthentication.confirm_url(address))["Location"] == address
    assert "Confirm your identity by single sign-on" not in dora_client.get(address).content.decode()
    assert dora_client.post(address, ticked).status_code == 302
    connection.refresh_from_db()
    alice.refresh_from_db()
    assert (str(connection.export_user), alice.is_active) == ("Dora Dale", False)
