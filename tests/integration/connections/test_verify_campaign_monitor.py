"""`verify_campaign_monitor`, with the sandbox as the account: it is built on the same assumptions."""

import pytest
from django.core.management import CommandError, call_command

from config.platform.accounts.models import User
from connections import actions
from connections.models import Connection
from tests.support.connections import make_connection
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice: User, sandbox_offered: RunningSandbox) -> Connection:
    connection = make_connection(alice, "First contact", environment="sandbox")
    actions.set_credentials(
        by=alice, connection=connection, secrets={"api_key": sandbox_offered.api_key}, options={}
    )
    return connection


def lists(sandbox: RunningSandbox) -> list[str]:
    answer = sandbox.api("GET", f"/clients/{sandbox.client_id}/lists.json")
    return [found["Name"] for found in answer.json()]


def test_every_assumption_holds_in_the_sandbox(
    account: Connection, sandbox_offered: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_campaign_monitor", "first CONTACT", "--thousand")
    said = capsys.readouterr().out
    assert "DIFFERS" not in said
    assert "16 of 16 assumptions hold. The list was deleted." in said
    assert lists(sandbox_offered) == ["Newsletter"]
    assert sandbox_offered.api_key not in said


def test_it_says_what_differs(account: Connection, sandbox_offered: RunningSandbox) -> None:
    trouble = {"kind": "refuse_batch", "emails": ["size@example.com"], "code": 400}
    sandbox_offered.faults({"rules": [trouble]})
    with pytest.raises(SystemExit) as ended:
        call_command("verify_campaign_monitor", "First contact")
    assert ended.value.code == 2
    assert lists(sandbox_offered) == ["Newsletter"]


def test_it_deletes_the_list_when_the_account_goes_away_in_between(
    account: Connection, sandbox_offered: RunningSandbox
) -> None:
    sandbox_offered.faults({"rules": [{"kind": "error", "path": "customfields", "status": 500}]})
    with pytest.raises(CommandError):
        call_command("verify_campaign_monitor", "First contact")
    assert lists(sandbox_offered) == ["Newsletter"]


def test_it_wants_a_connection_that_is_there(db: None) -> None:
    with pytest.raises(CommandError, match="no connection “Nobody”"):
        call_command("verify_campaign_monitor", "Nobody")
