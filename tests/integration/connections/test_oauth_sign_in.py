"""“Authenticate with Campaign Monitor”: out to the vendor, and back to the same pane."""

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from connections import consent_text, credentials, drafts, vault
from connections.models import Connection
from connections.policies import ConnectionStatus, status_of
from tests.conftest import PASSWORD
from tests.support.connections import make_connection
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db

ADD = "/admin/connections/add/campaign_monitor/"
ADD_SANDBOX = f"{ADD}?environment=sandbox"
BACK = "/admin/connections/authorized/"
HTMX = {"HX-Request": "true", "HX-Target": "pane"}
AGREED = {"name": "Shop news", "agree": "on", "consent_version": consent_text.VERSION, "consent_language": "en"}
OWNER = {"email": "owner@example.com", "password": "sandbox"}


@pytest.fixture
def place(sandbox_offered: RunningSandbox, settings: Settings) -> RunningSandbox:
    """Where an application is registered."""
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_ID = "100001"
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET = "sandbox-secret"
    sandbox_offered.door("PUT", "oauth", json={"redirect_uris": ["http://testserver/admin/"]})
    return sandbox_offered


def leave(client: Client, url: str = ADD_SANDBOX, **typed: str) -> str:
    """Press the button; where the browser is sent."""
    response = client.post(url, AGREED | {"step": "sign_in", **typed}, headers=HTMX)
    assert "HX-Redirect" in response.headers, response.content.decode()
    return str(response.headers["HX-Redirect"])


def decide(url: str, do: str = "allow") -> str:
    """What the owner answers at the vendor; where that leads back to."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, data={"do": do, **OWNER}, allow_redirects=False, timeout=30)
    back = urlsplit(answer.headers["Location"])
    assert back.path == BACK
    return f"{back.path}?{back.query}"


def come_back(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 302, response.content.decode()
    page = urlsplit(response.headers["Location"])
    assert page.path == "/admin/connections/"
    return client.get(parse_qs(page.query)["pane"][0]).content.decode()


def hidden(html: str) -> Mapping[str, str]:
    return {
        name: found[1]
        for name in ("draft", "version", "consent_version", "consent_language")
        if (found := re.search(rf'name="{name}" value="(.*?)"', html))
    }


def test_the_round_trip_connects(alice_client: Client, place: RunningSandbox) -> None:
    html = come_back(alice_client, decide(leave(alice_client, contributors="on")))

    assert 'value="Shop news"' in html
    assert re.search(r'name="contributors"[^>]*checked', html)
    assert "Sandbox client" in html
    assert html.count("step--ok") == 4

    typed = AGREED | {"contributors": "on", **hidden(html)}
    alice_client.post(ADD_SANDBOX, typed | {"step": "export_user", "own-password": PASSWORD}, headers=HTMX)
    alice_client.post(ADD_SANDBOX, typed, headers=HTMX)
    connection = Connection.objects.get()
    assert status_of(connection) is ConnectionStatus.READY
    assert connection.options["signed_in"] == "oauth"
    assert [found.title for found in connection.destination.lists(credentials.access(connection))] == [
        "Newsletter"
    ]
    ends = credentials.expires_at(vault.stored(connection))
    assert ends is not None
    assert timedelta(days=13) < ends - clock.now() <= timedelta(days=14)


def test_a_sign_in_that_began_over_home_returns_there(alice_client: Client, place: RunningSandbox) -> None:
    over_home = HTMX | {"HX-Current-URL": "http://testserver/"}
    left = alice_client.post(ADD_SANDBOX, AGREED | {"step": "sign_in"}, headers=over_home)
    page = urlsplit(alice_client.get(decide(left.headers["HX-Redirect"])).headers["Location"])
    assert (page.path, "draft" in page.query) == ("/", True)


def test_it_asks_for_what_it_needs_and_no_more(alice_client: Client, place: RunningSandbox) -> None:
    asked = parse_qs(urlsplit(leave(alice_client)).query)
    assert asked["type"] == ["web_server"]
    assert asked["redirect_uri"] == [f"http://testserver{BACK}"]
    assert asked["scope"] == ["ImportSubscribers,ManageLists,ViewReports,ViewSubscribersInReports"]
    assert len(asked["state"][0]) >= 32


def test_denied_access_is_told_and_changes_nothing(alice_client: Client, place: RunningSandbox) -> None:
    html = come_back(alice_client, decide(leave(alice_client), do="deny"))
    assert "Access was denied in Campaign Monitor" in html
    assert 'value="Shop news"' in html
    assert not Connection.objects.exists()


def test_an_answer_works_once(alice_client: Client, place: RunningSandbox) -> None:
    back = decide(leave(alice_client))
    come_back(alice_client, back)
    again = alice_client.get(back)
    assert again.status_code == 400
    assert "is no longer valid" in again.content.decode()


def test_an_answer_belongs_to_the_session_that_asked(
    alice: User, alice_client: Client, place: RunningSandbox
) -> None:
    back = decide(leave(alice_client))
    elsewhere = Client()
    elsewhere.force_login(alice)
    assert elsewhere.get(back).status_code == 400
    assert place.door("GET", "oauth")["exchanges"] == 0


@pytest.mark.parametrize("query", ["", "?code=1", "?code=1&state=", "?state=guessed&code=1"])
def test_unrequested_answers_are_refused(alice_client: Client, place: RunningSandbox, query: str) -> None:
    leave(alice_client)
    assert alice_client.get(BACK + query).status_code == 400


def test_only_administrators_come_back(bob_client: Client, stranger_client: Client) -> None:
    assert bob_client.get(f"{BACK}?code=1&state=2").status_code == 403
    assert stranger_client.get(f"{BACK}?code=1&state=2").status_code == 302


def test_a_code_that_has_gone_bad_is_told(alice_client: Client, place: RunningSandbox) -> None:
    back = decide(leave(alice_client))
    html = come_back(alice_client, re.sub(r"code=\w+", "code=other", back))
    assert "no longer accepts the authorization" in html


def test_it_waits_half_an_hour(alice_client: Client, place: RunningSandbox) -> None:
    back = decide(leave(alice_client))
    clock.run_from(clock.now() + timedelta(minutes=31))
    try:
        assert alice_client.get(back).status_code == 400
    finally:
        clock.run_as_usual()


def test_what_was_typed_is_encrypted_meanwhile(alice_client: Client, place: RunningSandbox) -> None:
    leave(alice_client)
    kept = next(iter(Session.objects.get().get_decoded()[drafts.KEY].values()))
    assert "Shop news" not in str(kept)
    assert kept["typed"].startswith("k1:")


def test_a_typed_key_counts(alice_client: Client, place: RunningSandbox) -> None:
    typed = AGREED | {"step": "sign_in", "credential-api_key": place.api_key}
    response = alice_client.post(ADD_SANDBOX, typed, headers=HTMX)
    assert "HX-Redirect" not in response.headers
    assert 'hx-trigger="load"' in response.content.decode()


def test_a_page_without_scripts_goes_there_too(alice_client: Client, place: RunningSandbox) -> None:
    response = alice_client.post(ADD_SANDBOX, AGREED | {"step": "sign_in"})
    assert response.headers["Refresh"].startswith(f"0; url={place.url}/oauth?")


def test_without_an_application_it_says_what_to_configure(
    alice_client: Client, sandbox_offered: RunningSandbox
) -> None:
    html = alice_client.post(ADD_SANDBOX, AGREED | {"step": "connect"}).content.decode()
    assert "CAMPAIGN_MONITOR_OAUTH_CLIENT_ID" in html
    assert f"http://testserver{BACK}" in html
    assert 'value="authenticate"' in html
    refused = alice_client.post(ADD_SANDBOX, AGREED | {"step": "sign_in"}, headers=HTMX)
    assert "HX-Redirect" not in refused.headers


def test_signing_in_again_ends_reconnect_needed(alice: User, alice_client: Client, place: RunningSandbox) -> None:
    connection = make_connection(alice, "Shop news", environment="sandbox")
    vault.mark_reconnect_needed(connection, "The key is gone.")
    address = f"/admin/connections/{connection.pk}/"
    assert 'value="sign_in"' in alice_client.get(address).content.decode()

    html = come_back(alice_client, decide(leave(alice_client, address, version=str(connection.version))))
    alice_client.post(address, {"name": "Shop news", **hidden(html)}, headers=HTMX)

    connection.refresh_from_db()
    assert status_of(connection) is ConnectionStatus.READY
    assert "access_token" in vault.stored(connection)


def test_no_token_stands_in_the_record(alice_client: Client, place: RunningSandbox) -> None:
    html = come_back(alice_client, decide(leave(alice_client)))
    typed = AGREED | {**hidden(html)}
    alice_client.post(ADD_SANDBOX, typed | {"step": "export_user", "own-password": PASSWORD}, headers=HTMX)
    alice_client.post(ADD_SANDBOX, typed, headers=HTMX)
    stored = vault.stored(Connection.objects.get())
    told = html + str(list(AuditEntry.objects.values()))
    assert not any(stored[name] in told for name in ("access_token", "refresh_token"))
