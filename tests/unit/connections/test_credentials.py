"""The one place where secrets are read in the clear."""

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from connections.credentials import access
from connections.models import Connection
from connections.vault import NotConnected
from tests.support.connections import SECRET, make_connection

OTHER_KEYRING = ["k2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="]


def test_it_speaks_to_the_real_service(alice: User, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_API_URL = "https://mail.example.com"
    given = access(make_connection(alice))
    assert (given.base_url, given.credentials["api_key"]) == ("https://mail.example.com", SECRET)
    assert given.options["key_kind"] == "account"


def test_it_speaks_to_the_sandbox(alice: User, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:8001"
    assert access(make_connection(alice, environment="sandbox")).base_url == "http://127.0.0.1:8001"


def test_it_says_that_there_is_no_sandbox(alice: User, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = ""
    with pytest.raises(NotConnected, match="no address"):
        access(make_connection(alice, environment="sandbox"))


def test_it_says_that_nothing_is_connected(alice: User) -> None:
    with pytest.raises(NotConnected, match="not connected"):
        access(make_connection(alice, connected=False))


def test_it_says_which_key_is_missing(alice: User, settings: Settings) -> None:
    make_connection(alice)
    settings.ENCRYPTION_KEYS = OTHER_KEYRING
    with pytest.raises(NotConnected, match="k1"):
        access(Connection.objects.get())


def test_an_older_key_still_opens(alice: User, settings: Settings) -> None:
    make_connection(alice)
    settings.ENCRYPTION_KEYS = OTHER_KEYRING + settings.ENCRYPTION_KEYS
    assert access(Connection.objects.get()).credentials == {"api_key": SECRET}
