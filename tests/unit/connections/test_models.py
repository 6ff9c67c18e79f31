"""Accounts in text, as runs and list state keep them."""

import pytest

from connections import destinations
from connections.models import Account, Connection, Environment


def test_an_account_is_read_as_it_is_written() -> None:
    account = Account("campaign_monitor", Environment.SANDBOX)

    assert str(account) == "campaign_monitor:sandbox"
    assert Account.parse(str(account)) == account


def test_an_account_leads_to_its_destination() -> None:
    assert Account.parse("campaign_monitor:live").destination is destinations.get("campaign_monitor")


def test_an_account_knows_its_environment() -> None:
    assert Account.parse("campaign_monitor:sandbox").is_sandbox
    assert not Account.parse("campaign_monitor:live").is_sandbox


@pytest.mark.parametrize("text", ["", "campaign_monitor", "campaign_monitor:elsewhere"])
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Environment"):
        Account.parse(text)


def test_a_connection_names_its_account() -> None:
    connection = Connection(destination_key="campaign_monitor", environment="sandbox")

    assert connection.account == "campaign_monitor:sandbox"
