"""“Set up Campaign Monitor connection”."""

import logging
import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import consent_text, credentials
from connections.models import Connection, Consent
from connections.policies import ConnectionStatus, status_of
from tests.conftest import PASSWORD
from tests.support.connections import SECRET, make_connection
from tests.support.sandbox import RunningSandbox

ADD = "/admin/connections/add/campaign_monitor/"
ADD_SANDBOX = f"{ADD}?environment=sandbox"
PART = {"HX-Request": "true", "HX-Target": "connect-part"}
PANE = {"HX-Request": "true", "HX-Target": "pane"}


class Pane:
    """A user of the pane: keeps what is typed, and takes steps as the page does."""

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url = client, url
        self.typed: dict[str, str] = {}
        self.html = self.opened()

    def opened(self) -> str:
        response = self.client.get(self.url, headers=PANE)
        assert response.status_code == 200
        return self._seen(response)

    def step(self, step: str, **typed: str) -> str:
        self.typed |= typed
        self._seen(self.client.post(self.url, self.typed | {"step": step}, headers=PART))
        while 'hx-trigger="load"' in self.html:
            self._seen(self.client.post(self.url, self.typed | {"step": "check"}, headers=PART))
        return self.html

    def save(self, **typed: str) -> Any:
        self.typed |= typed
        return self.client.post(self.url, self.typed, headers=PANE)

    @property
    def ticks(self) -> list[str]:
        return re.findall(r'class="step step--(\w+)"', self.html)

    @property
    def needs(self) -> list[str]:
        return re.findall(r'data-need="(.*?)"', self.html)

    def _seen(self, response: Any) -> str:
        self.html = response.content.decode()
        for hidden in ("draft", "version", "consent_version", "consent_language"):
            if found := re.search(rf'name="{hidden}" value="(.*?)"', self.html):
                self.typed[hidden] = found[1]
        return self.html


def focused(html: str) -> str | None:
    found = re.search(r'<input [^>]*name="([^"]+)"[^>]* autofocus', html)
    return found[1] if found else None


def enabled(html: str, step: str) -> bool:
    button = re.search(rf'<button [^>]*value="{step}"[^>]*>', html)
    return button is not None and not re.search(r"\sdisabled\s*>", button[0])


@pytest.fixture
def pane(alice_client: Client, sandbox_offered: RunningSandbox) -> Pane:
    """A new sandbox connection."""
    return Pane(alice_client, ADD_SANDBOX)


@pytest.fixture
def live_pane(alice_client: Client, sandbox: RunningSandbox, settings: Settings) -> Pane:
    """A new live connection, whose real service the sandbox plays."""
    settings.CAMPAIGN_MONITOR_API_URL = sandbox.url
    settings.ORGANISATION_NAME = "Example & Sons"
    settings.PRIVACY_STATEMENT_URL = "https://example.com/privacy"
    return Pane(alice_client, ADD)


# -- a new one -------------------------------------------------------------------------------------------------


def test_it_asks_in_the_order_of_the_steps(live_pane: Pane) -> None:
    words = ["Set up Campaign Monitor connection", "Display name", "Choose who can use", "Data privacy", "I agree"]
    places = [live_pane.html.index(word) for word in [*words, "Connect to Campaign Monitor"]]
    assert places == sorted(places)
    assert "Example &amp; Sons" in live_pane.html
    assert 'href="https://example.com/privacy"' in live_pane.html


def test_each_step_waits_for_the_one_before(live_pane: Pane) -> None:
    assert 'data-waits-for="name agree"' in live_pane.html
    html = live_pane.step("connect", name="Winter mail", agree="on")
    assert enabled(html, "authenticate")
    assert not enabled(html, "export_user")
    assert live_pane.needs == ["Authenticate with Campaign Monitor", "Add yourself as export user"]


def test_connect_says_beside_the_fields_what_is_wrong(live_pane: Pane, alice: User, alice_client: Client) -> None:
    make_connection(alice, "Winter mail")
    response = alice_client.post(ADD, {"name": "winter MAIL", "step": "connect"}, headers=PART)
    assert (response.status_code, response["HX-Retarget"], response["HX-Reswap"]) == (422, "#pane", "innerHTML")
    html = response.content.decode()
    assert html.count("data-pane-frame") == 1
    assert "<!doctype" not in html
    assert "Another connection has this name." in html
    assert 'id="id_agree_error"' in html
    assert 'value="winter MAIL"' in html


def test_the_focus_goes_where_the_next_step_is(live_pane: Pane, sandbox: RunningSandbox) -> None:
    html = live_pane.step("connect", name="Winter mail", agree="on")
    assert focused(html) == "credential-api_key"
    html = live_pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    assert focused(html) == "own-password"
    assert 'tabindex="-1" autofocus' in live_pane.step("export_user", **{"own-password": PASSWORD})


def test_connect_does_not_open_before_consent(live_pane: Pane) -> None:
    assert "credential-api_key" not in live_pane.step("connect", name="Winter mail")
    assert "credential-api_key" not in live_pane.step("authenticate", **{"credential-api_key": SECRET})


def test_it_sets_up_a_connection(live_pane: Pane, sandbox: RunningSandbox, alice: User) -> None:
    live_pane.step("connect", name=" Winter  mail ", agree="on", contributors="on")
    html = live_pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    assert live_pane.ticks[:4] == ["ok"] * 4
    assert "Connected to Campaign Monitor" in html
    html = live_pane.step("export_user", **{"own-password": PASSWORD})
    assert "Connected to Segment Exports" in html
    assert live_pane.needs == []
    response = live_pane.save()
    assert response["HX-Redirect"] == "/admin/connections/"

    connection = Connection.objects.get()
    assert (connection.name, connection.allowed_roles) == ("Winter mail", ["administrator", "contributor"])
    assert credentials.access(connection).credentials == {"api_key": sandbox.api_key}
    assert (connection.export_user, connection.options["key_kind"]) == (alice, "account")
    assert Consent.objects.get().given_by == alice
    assert status_of(connection) is ConnectionStatus.READY
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "connection.created",
        "connection.connected",
        "connection.consent_given",
        "connection.export_user_added",
    }


def test_it_saves_nothing_before_every_step_is_done(live_pane: Pane, sandbox: RunningSandbox) -> None:
    assert live_pane.save(name="Winter mail").status_code == 422
    response = live_pane.save(agree="on")
    assert "Required: Authenticate with Campaign Monitor, Add yourself" in response.content.decode()
    live_pane.step("connect")
    live_pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    assert "Required: Add yourself as export user." in live_pane.save().content.decode()
    assert not Connection.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_sandbox_has_the_steps_of_a_live_connection(pane: Pane, sandbox: RunningSandbox, alice: User) -> None:
    assert "badge--sandbox" in pane.html
    assert pane.needs == ["Authenticate with Campaign Monitor", "Add yourself as export user"]
    assert pane.save(name="Playground").status_code == 422
    pane.step("connect", agree="on")
    pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    assert "Required: Add yourself as export user." in pane.save().content.decode()
    pane.step("export_user", **{"own-password": PASSWORD})
    assert pane.save().status_code == 200
    connection = Connection.objects.get()
    assert (connection.environment, connection.export_user) == ("sandbox", alice)
    assert Consent.objects.count() == 1
    assert status_of(connection) is ConnectionStatus.READY


def test_it_says_what_is_wrong_with_a_key(pane: Pane) -> None:
    pane.step("connect", name="Playground", agree="on")
    html = pane.step("authenticate", **{"credential-api_key": "nonsense"})
    assert pane.ticks == ["ok", "bad", "idle", "idle"]
    assert "does not accept the API key" in html
    assert enabled(html, "authenticate")
    assert "nonsense" not in html


def test_it_complains_of_an_empty_key(pane: Pane) -> None:
    pane.step("connect", name="Playground", agree="on")
    assert "This field is required" in pane.step("authenticate")
    assert pane.ticks == []


def test_a_wrong_key_can_be_corrected(pane: Pane, sandbox: RunningSandbox) -> None:
    pane.step("connect", name="Playground", agree="on")
    pane.step("authenticate", **{"credential-api_key": "nonsense"})
    pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    assert pane.ticks == ["ok"] * 4


def test_it_says_that_the_service_cannot_be_reached(alice_client: Client, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:9"
    pane = Pane(alice_client, ADD_SANDBOX)
    pane.step("connect", name="Playground", agree="on")
    html = pane.step("authenticate", **{"credential-api_key": SECRET})
    assert pane.ticks == ["bad", "idle", "idle", "idle"]
    assert "cannot be reached" in html


def test_a_client_key_is_asked_for_its_client(pane: Pane, sandbox: RunningSandbox) -> None:
    pane.step("connect", name="Playground", agree="on")
    assert "credential-client_id" not in pane.html
    html = pane.step("authenticate", **{"credential-api_key": sandbox.client_api_key})
    assert "Enter the client ID" in html
    assert "credential-client_id" in html
    pane.step("authenticate", **{"credential-client_id": "f" * 32})
    assert pane.ticks[-1] == "bad"
    pane.step("authenticate", **{"credential-client_id": sandbox.client_id})
    assert pane.ticks == ["ok"] * 4
    pane.step("export_user", **{"own-password": PASSWORD})
    pane.save()
    options = Connection.objects.get().options
    assert (options["key_kind"], options["client_id"]) == ("client", sandbox.client_id)


def test_the_export_user_confirms_with_their_own_password(pane: Pane, sandbox: RunningSandbox) -> None:
    pane.step("connect", name="Playground", agree="on")
    pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    html = pane.step("export_user", **{"own-password": "somebody else's"})
    assert "Incorrect password" in html
    assert "is the export user" not in html


def test_no_user_becomes_export_user_before_it_is_connected(pane: Pane) -> None:
    pane.step("connect", name="Playground", agree="on")
    assert "is the export user" not in pane.step("export_user", **{"own-password": PASSWORD})


def test_a_name_is_taken_whatever_its_case(alice: User, pane: Pane, sandbox: RunningSandbox) -> None:
    make_connection(alice, "Playground")
    assert "Another connection has this name" in pane.save(name="PLAYGROUND").content.decode()


def test_a_draft_is_for_what_it_was_typed_for(
    alice: User, pane: Pane, sandbox: RunningSandbox, alice_client: Client
) -> None:
    """A key that was tried against the sandbox never ends up on a live connection."""
    pane.step("connect", name="Playground", agree="on")
    pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    response = alice_client.post(ADD, pane.typed | {"agree": "on"}, headers=PANE)
    assert response.status_code == 422
    assert not Connection.objects.exists()


def test_it_works_without_scripts(alice_client: Client, sandbox_offered: RunningSandbox) -> None:
    agreed = {"agree": "on", "consent_version": consent_text.VERSION, "consent_language": "en"}
    typed = agreed | {"name": "Playground", "step": "connect"}
    html = alice_client.post(ADD_SANDBOX, typed).content.decode()
    draft = re.search(r'name="draft" value="(.*?)"', html)
    assert draft is not None
    typed |= {"draft": draft[1], "step": "authenticate", "credential-api_key": sandbox_offered.api_key}
    html = alice_client.post(ADD_SANDBOX, typed).content.decode()
    assert "<html" in html
    assert "Connected to Campaign Monitor" in html
    assert 'value="Playground"' in html
    typed |= {"step": "export_user", "own-password": PASSWORD}
    assert "is the export user" in alice_client.post(ADD_SANDBOX, typed).content.decode()
    response = alice_client.post(ADD_SANDBOX, typed | {"step": ""}, follow=True)
    assert "“Playground” is saved." in response.content.decode()


# -- secrets ---------------------------------------------------------------------------------------------------


def test_a_typed_key_is_in_no_page_no_session_no_record_and_no_log(
    live_pane: Pane, sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = [live_pane.step("connect", name="Winter mail", agree="on")]
    seen.append(live_pane.step("authenticate", **{"credential-api_key": sandbox.api_key}))
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    seen.append(live_pane.step("export_user", **{"own-password": PASSWORD}))
    seen.append(live_pane.save().content.decode())
    kept.append(str(list(AuditEntry.objects.values())))
    seen.append(Pane(live_pane.client, f"/admin/connections/{Connection.objects.get().pk}/").html)
    for said in [*seen, *kept, caplog.text]:
        assert sandbox.api_key not in said
        assert PASSWORD not in said


def test_nothing_is_left_in_the_session_after_save(pane: Pane, sandbox: RunningSandbox) -> None:
    pane.step("connect", name="Playground", agree="on")
    pane.step("authenticate", **{"credential-api_key": sandbox.api_key})
    pane.step("export_user", **{"own-password": PASSWORD})
    pane.save()
    assert "sealed" not in str([session.get_decoded() for session in Session.objects.all()])
