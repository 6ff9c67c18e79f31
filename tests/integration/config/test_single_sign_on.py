"""Single sign-on, against a provider that really signs its tokens."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from config.environment import single_sign_on
from config.platform.accounts import reauthentication
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from tests.conftest import PASSWORD
from tests.support import oidc
from tests.support.authenticator import code

DOOR = "/accounts/sign-in/"
AWAY = "/accounts/single-sign-on/"
DORA = {
    "sub": "u-1",
    "name": "Dora Dale",
    "preferred_username": "dora",
    "email": "dora@example.com",
    "email_verified": True,
}


@pytest.fixture
def provider(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[oidc.Provider]:
    """A provider that is configured, with Dora signed in there."""
    with oidc.running() as provider:
        monkeypatch.setenv("OIDC_ISSUER", provider.issuer)
        monkeypatch.setenv("OIDC_CLIENT_ID", oidc.CLIENT_ID)
        monkeypatch.setenv("OIDC_CLIENT_SECRET", oidc.CLIENT_SECRET)
        settings.SOCIALACCOUNT_PROVIDERS = single_sign_on()
        settings.OIDC_NAME = "Contoso"
        provider.person = dict(DORA)
        yield provider


def there_and_back(client: Client, away: str = AWAY) -> HttpResponse:
    """Follow the browser to the provider, and back to where it sends it; our answer."""
    leaving = client.get(away)
    assert leaving.status_code == 302, leaving.content
    answer = requests.get(leaving["Location"], allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    assert back.netloc == "testserver"
    return client.get(f"{back.path}?{back.query}")  # type: ignore[return-value]


def test_there_is_none_unless_configured(stranger_client: Client) -> None:
    assert "single-sign-on" not in stranger_client.get(DOOR).content.decode()
    assert stranger_client.get(AWAY).status_code == 404


def test_the_door_shows_the_button(stranger_client: Client, provider: oidc.Provider) -> None:
    page = stranger_client.get(f"{DOOR}?next=/help/statuses/").content.decode()
    assert "Sign in with Contoso" in page
    assert f'href="{AWAY}?next=/help/statuses/"' in page


def test_a_new_person_becomes_a_viewer(stranger_client: Client, provider: oidc.Provider) -> None:
    response = there_and_back(stranger_client, f"{AWAY}?next=/help/statuses/")
    assert response["Location"] == "/help/statuses/"
    dora = User.objects.get()
    assert (dora.username, dora.full_name, dora.email, dora.role) == (
        "dora",
        "Dora Dale",
        "dora@example.com",
        "viewer",
    )
    assert not reauthentication.has_password(dora)
    assert "Dora Dale" in stranger_client.get("/").content.decode()
    added, signed_in = AuditEntry.objects.order_by("id")
    assert added.changes == {"role": [None, "viewer"], "single_sign_on": [None, True]}
    assert (signed_in.action, signed_in.changes) == ("signed in", {"by": [None, "single sign-on"]})


def test_the_role_of_new_people_can_be_set(
    stranger_client: Client, provider: oidc.Provider, settings: Settings
) -> None:
    settings.OIDC_DEFAULT_ROLE = "contributor"
    there_and_back(stranger_client)
    assert User.objects.get().role == "contributor"


def test_the_same_person_comes_back_to_the_same_account(provider: oidc.Provider, db: None) -> None:
    there_and_back(Client())
    User.objects.update(role="administrator")
    provider.person = {**DORA, "preferred_username": "dora.dale", "email": "new@example.com"}
    client = Client()
    there_and_back(client)
    assert User.objects.get().role == "administrator"
    assert client.get("/admin/permissions/").status_code == 200


def test_a_user_with_a_verified_address_keeps_account_and_role(
    stranger_client: Client, provider: oidc.Provider, bob: User
) -> None:
    provider.person = {**DORA, "email": "BOB@example.com"}
    there_and_back(stranger_client)
    assert "Bob Brown" in stranger_client.get("/").content.decode()
    assert User.objects.get().role == "contributor"
    assert AuditEntry.objects.get(action="edited").changes == {"single_sign_on": [False, True]}


def test_an_unverified_address_opens_no_account(
    stranger_client: Client, provider: oidc.Provider, alice: User
) -> None:
    provider.person = {**DORA, "email": alice.email, "email_verified": False, "preferred_username": "alice"}
    there_and_back(stranger_client)
    other = User.objects.exclude(pk=alice.pk).get()
    assert (other.role, other.email) == ("viewer", "")
    assert other.username.lower() != "alice"


def test_a_deactivated_user_stays_out(provider: oidc.Provider, db: None) -> None:
    there_and_back(Client())
    User.objects.update(is_active=False)
    client = Client()
    assert there_and_back(client)["Location"] == DOOR
    assert "This account has no access." in client.get(DOOR).content.decode()
    assert client.get("/").status_code == 302


def test_it_says_so_when_the_provider_refuses(stranger_client: Client, provider: oidc.Provider) -> None:
    provider.refuses = True
    assert there_and_back(stranger_client)["Location"] == DOOR
    assert "Single sign-on failed." in stranger_client.get(DOOR).content.decode()


def test_a_token_for_another_application_is_refused(stranger_client: Client, provider: oidc.Provider) -> None:
    provider.audience = "another"
    assert there_and_back(stranger_client)["Location"] == DOOR
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"iss": "https://another.example"}], ids=["ended", "another issuer"]
)
def test_a_token_that_has_ended_or_of_another_service_is_refused(
    stranger_client: Client, provider: oidc.Provider, claims: dict[str, object]
) -> None:
    provider.person = {**DORA, **claims}
    assert there_and_back(stranger_client)["Location"] == DOOR
    assert not User.objects.exists()


def test_an_answer_that_was_not_asked_for_is_refused(stranger_client: Client, provider: oidc.Provider) -> None:
    response = stranger_client.get("/accounts/single-sign-on/single-sign-on/callback/?code=a&state=made-up")
    assert response["Location"] == DOOR
    assert not User.objects.exists()


def test_it_says_so_when_the_provider_cannot_be_reached(
    stranger_client: Client, provider: oidc.Provider, settings: Settings
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    assert stranger_client.get(AWAY)["Location"] == DOOR
    assert "is not available" in stranger_client.get(DOOR).content.decode()


def test_it_never_leads_to_another_site(stranger_client: Client, provider: oidc.Provider) -> None:
    assert there_and_back(stranger_client, f"{AWAY}?next=https://evil.example/")["Location"] == "/"


def test_a_second_factor_is_asked_for_all_the_same(
    alice_client: Client, stranger_client: Client, provider: oidc.Provider, alice: User
) -> None:
    from tests.integration.config.test_second_factor import CODE, set_up

    secret = set_up(alice_client)
    provider.person = {**DORA, "email": alice.email}
    assert there_and_back(stranger_client)["Location"] == CODE
    assert stranger_client.get("/").status_code == 302
    assert stranger_client.post(CODE, {"code": code(secret, steps=1)})["Location"] == "/"


def confirmed(client: Client) -> bool:
    request = RequestFactory().get("/")
    request.session = client.session
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    return reauthentication.confirmed(request)


def test_a_user_without_password_confirms_there(stranger_client: Client, provider: oidc.Provider) -> None:
    there_and_back(stranger_client)
    assert not confirmed(stranger_client)
    response = there_and_back(stranger_client, reauthentication.confirm_url("/help/statuses/"))
    assert response["Location"] == "/help/statuses/"
    assert provider.asked[-1]["prompt"] == "login"
    assert confirmed(stranger_client)


def test_another_person_cannot_confirm(stranger_client: Client, provider: oidc.Provider) -> None:
    there_and_back(stranger_client)
    provider.person = {**DORA, "sub": "u-2"}
    there_and_back(stranger_client, reauthentication.confirm_url("/"))
    assert not confirmed(stranger_client)


def test_an_old_sign_in_there_confirms_nothing(
    stranger_client: Client, provider: oidc.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    there_and_back(stranger_client)
    provider.signed_in_at -= 3600
    away = stranger_client.get(reauthentication.confirm_url("/"))["Location"].replace(
        "prompt=login", "prompt=none"
    )
    back = urlsplit(requests.get(away, allow_redirects=False, timeout=5).headers["Location"])
    stranger_client.get(f"{back.path}?{back.query}")
    assert not confirmed(stranger_client)


def test_a_service_that_does_not_say_when_confirms_nothing(
    stranger_client: Client, provider: oidc.Provider
) -> None:
    provider.tells_when = False
    there_and_back(stranger_client)
    there_and_back(stranger_client, reauthentication.confirm_url("/"))
    assert not confirmed(stranger_client)


@pytest.mark.parametrize("address", ["b\u0131b@example.com", "\uff42ob@example.com", "bob@\u212aample.com"])
def test_a_lookalike_address_is_another_person(
    stranger_client: Client, provider: oidc.Provider, bob: User, address: str
) -> None:
    bob.email = "bib@example.com" if "\u0131" in address else bob.email
    bob.save()
    provider.person = {**DORA, "email": address}
    there_and_back(stranger_client)
    assert "Bob Brown" not in stranger_client.get("/").content.decode()


def test_a_password_does_not_open_an_account_without_one(provider: oidc.Provider, db: None) -> None:
    there_and_back(Client())
    assert not Client().login(username="dora", password=PASSWORD)
    assert not Client().login(username="dora", password="")
