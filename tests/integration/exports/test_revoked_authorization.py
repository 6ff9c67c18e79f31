"""A revoked authorization stops its runs with that reason, until an administrator signs in again."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections import actions, credentials
from connections.destinations.values import Tokens
from connections.models import Connection
from connections.policies import ConnectionStatus, status_of
from exports.models import Export
from exports.state.status import Reason
from tests.integration.exports.conftest import run_to_its_end
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(sandbox: RunningSandbox, connection: Connection, by: User) -> None:
    given = sandbox.door("POST", "oauth/authorize", json={})
    tokens = Tokens(given["access_token"], given["refresh_token"], given["expires_in"])
    options = {credentials.SIGNED_IN: credentials.BY_OAUTH}
    actions.set_credentials(
        by=by, connection=connection, secrets=credentials.as_credentials(tokens), options=options
    )


@pytest.mark.parametrize("how", ["revoked", "expired_and_revoked", "refused_by_code_120"])
def test_a_revoked_authorization_stops_the_run_until_an_administrator_signs_in(
    alice: User,
    alice_client: Client,
    newsletter: Export,
    shared: Connection,
    account: RunningSandbox,
    how: str,
) -> None:
    sign_in(account, shared, alice)
    before = (newsletter.version, newsletter.list_id, newsletter.mapping)
    if how == "refused_by_code_120":
        account.faults({"rules": [{"kind": "refuse_credential", "code": 120}]})
    else:
        account.door("POST", "oauth/revoke")
    if how == "expired_and_revoked":
        account.faults({"rules": [{"kind": "refuse_credential", "code": 121}]})

    run = run_to_its_end(newsletter)

    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.RECONNECT_NEEDED)
    assert "An administrator has to authenticate with Campaign Monitor again" in run.message
    shared.refresh_from_db()
    assert status_of(shared) is ConnectionStatus.RECONNECT_NEEDED
    assert "“Shared sandbox”: Reconnect needed" in alice_client.get("/").content.decode()
    assert sum(account.counts().values()) == 0

    account.clear_faults()
    sign_in(account, shared, alice)
    newsletter.refresh_from_db()
    assert run_to_its_end(newsletter).delivered == 3
    assert (newsletter.version, newsletter.list_id, newsletter.mapping) == before
    assert "Reconnect needed" not in alice_client.get("/").content.decode()
