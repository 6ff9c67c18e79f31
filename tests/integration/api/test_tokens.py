"""API tokens: shown once, stored as a hash, limited by role, scopes, expiry and rate; sessions do not count."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from config.platform.accounts import actions, adapters, api_tokens, password_links
from config.platform.accounts.models import ApiToken, User
from config.platform.accounts.permissions import Permission, Role
from config.platform.accounts.scopes import PERMISSIONS, Scope
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.notifications import recipients
from tests.conftest import PASSWORD
from tests.support.api import ApiClient, client_of, token_of

pytestmark = pytest.mark.django_db
PAGE = "/accounts/tokens/"


def create(client: Client, **changes: object) -> str:
    form = {"name": "Airflow", "scopes": ["read"], "days": "90", "password": PASSWORD} | changes
    return client.post(PAGE, form).content.decode()


def shown_token(page: str) -> str:
    return (
        page.partition(api_tokens.TOKEN_PREFIX)[1] + page.partition(api_tokens.TOKEN_PREFIX)[2].partition("<")[0]
    )


def test_a_token_is_shown_once_and_stored_as_a_hash(charlie_client: Client) -> None:
    text = shown_token(create(charlie_client))
    token = ApiToken.objects.get()
    assert ApiClient(text).get("token").json()["name"] == "Airflow"
    assert text not in charlie_client.get(PAGE).content.decode()
    assert text not in {str(value) for value in vars(token).values()}
    assert text.startswith(token.prefix)
    assert text not in str(list(AuditEntry.objects.values()))


def test_the_list_of_tokens_names_the_scopes_as_the_form_does(charlie: User, charlie_client: Client) -> None:
    token_of(charlie, scopes=["sources", "read", "gone"])
    assert "Read, Push customer profiles, gone ·" in charlie_client.get(PAGE).content.decode()
    charlie.language = "fi"
    charlie.save()
    page = charlie_client.get(PAGE).content.decode()
    with translation.override("fi"):
        assert f"{Scope.READ.label}, {Scope.SOURCES.label}, gone ·" in page


def test_a_stolen_session_cannot_make_a_token(charlie_client: Client) -> None:
    page = create(charlie_client, password="guessed")
    assert "Incorrect password" in page
    assert not ApiToken.objects.exists()


def test_the_creation_and_the_end_of_a_token_are_recorded(charlie: User, charlie_client: Client) -> None:
    create(charlie_client)
    token = ApiToken.objects.get()
    charlie_client.post(f"{PAGE}{token.pk}/revoke/")
    found = AuditEntry.objects.filter(target_kind="apitoken").order_by("id")
    assert list(found.values_list("action", "actor_name")) == [
        ("created", str(charlie)),
        ("revoked", str(charlie)),
    ]


def test_a_revoked_token_does_not_work(charlie: User, charlie_client: Client) -> None:
    client = client_of(charlie)
    charlie_client.post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/")
    assert client.get("token").status_code == 401


def test_nobody_revokes_the_token_of_another_user_but_administrators(
    bob: User, charlie_client: Client, alice_client: Client
) -> None:
    client = client_of(bob)
    url = f"{PAGE}{ApiToken.objects.get().pk}/revoke/"
    assert charlie_client.post(url).status_code == 404
    assert client.get("token").status_code == 200
    alice_client.post(url)
    assert client.get("token").status_code == 401


def test_an_expired_token_does_not_work(charlie: User) -> None:
    client = ApiClient(token_of(charlie, days=1))
    assert client.get("token").status_code == 200
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        assert client.get("token").status_code == 401


def test_a_token_of_a_deactivated_user_does_not_work_even_after_they_are_activated(alice: User, bob: User) -> None:
    client = client_of(bob)
    actions.deactivate_user(user=bob, by=alice)
    assert client.get("token").status_code == 401
    actions.activate_user(user=bob, by=alice)
    assert client.get("token").status_code == 401


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer sgx_\u00e9", "Token sgx_abc"])
def test_other_authorization_is_refused_as_a_problem(sent: str) -> None:
    response = Client(headers={"Authorization": sent.encode().decode("latin-1")} if sent else {}).get(
        "/api/v1/token"
    )
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["status"] == 401


def test_a_session_does_not_count(alice_client: Client) -> None:
    assert alice_client.get("/api/v1/token").status_code == 401


def test_the_answer_stays_english(charlie: User) -> None:
    charlie.language = "fi"
    charlie.save()
    response = client_of(charlie).get("nothing", None, **{"Accept-Language": "fi"})
    assert response.json()["title"] == "Not Found"
    assert response["Content-Type"] == "application/problem+json"


def test_no_scope_allows_managing_users_the_system_or_rights_of_persons() -> None:
    never = {Permission.USER_MANAGE, Permission.SYSTEM_MANAGE, Permission.PERSON_RIGHTS}
    assert not never & frozenset().union(*PERMISSIONS.values())
    assert PERMISSIONS.keys() == set(Scope)


def test_a_token_allows_no_more_than_its_scopes_and_the_role(alice: User, charlie: User) -> None:
    narrow = api_tokens.authenticate(token_of(alice, scopes=["read"]))
    wide = api_tokens.authenticate(token_of(charlie))
    assert narrow is not None
    assert narrow.user.may(Permission.EXPORT_VIEW)
    assert not narrow.user.may(Permission.AUDIT_VIEW)
    assert wide is not None
    assert not wide.user.may(Permission.PERSONAL_DATA_SEE)


@pytest.mark.parametrize(
    ("method", "path", "scopes", "said"),
    [
        ("get", "sources", ["exports"], "“Read” or “Create segments” or “Push customer profiles”"),
        ("post", "sources/1/refresh", ["read"], "“Push customer profiles”"),
        ("post", "segments/1/refresh", ["read"], "“Create segments”"),
        ("get", "audit", ["read"], "“View the audit log”"),
        ("get", "connections", ["read"], "“See connections”"),
    ],
)
def test_a_token_without_the_scope_is_told_which_one(
    alice: User, method: str, path: str, scopes: list[str], said: str
) -> None:
    answer = getattr(client_of(alice, scopes=scopes), method)(path)
    sentence = f"The token lacks the scope {said}. Use a token that has it."
    assert (answer.status_code, answer.json()["detail"]) == (403, sentence)


def test_a_role_that_does_not_allow_it_is_named_and_no_scope(charlie: User) -> None:
    said = client_of(charlie).post("segments/1/refresh").json()["detail"]
    assert "Your role, Viewer, does not allow you to create and edit segments." in said
    assert "scope" not in said


def test_requests_are_limited_and_the_headers_say_so(charlie: User, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    client = client_of(charlie)
    with time_machine.travel(clock.now().replace(second=10), tick=False):
        answers = [client.get("token") for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert [each["RateLimit-Remaining"] for each in answers] == ["1", "0", "0"]
        assert answers[2]["Retry-After"] == answers[2]["RateLimit-Reset"] == "50"
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert client.get("token").status_code == 200


def test_the_last_use_is_noted(charlie: User) -> None:
    client_of(charlie).get("token")
    assert ApiToken.objects.get().last_used_at is not None


def test_a_service_account_outlives_its_maker_and_nobody_signs_in_to_it(alice: User, alice_client: Client) -> None:
    maker = User.objects.create_user("maker", PASSWORD, role=Role.ADMINISTRATOR)
    client = Client()
    client.force_login(maker)
    client.post("/admin/permissions/service-accounts/", {"name": "airflow", "role": Role.CONTRIBUTOR})
    account = User.objects.get(is_service=True)
    form = {"name": "CI", "scopes": ["read", "exports"], "days": "0", "password": PASSWORD}
    text = shown_token(client.post(f"/admin/permissions/service-accounts/{account.pk}/", form).content.decode())
    actions.remove_user(user=maker, by=alice)
    assert ApiClient(text).get("token").json()["role"] == Role.CONTRIBUTOR
    assert Client().login(username="airflow", password="") is False
    assert "airflow" not in alice_client.get("/admin/permissions/").content.decode()
    assert not account.is_invited


def test_a_service_account_is_not_the_last_administrator(alice: User) -> None:
    account = api_tokens.create_service_account(name="root", role=Role.ADMINISTRATOR, by=alice)
    with pytest.raises(actions.NotNow):
        actions.edit_user(user=alice, version=alice.version, full_name="A", email="", role=Role.VIEWER, by=account)


def service_account(alice: User, **changes: object) -> User:
    account = api_tokens.create_service_account(name="airflow", role=Role.CONTRIBUTOR, by=alice)
    User.objects.filter(pk=account.pk).update(**changes)
    return account


def test_a_service_account_is_edited_on_its_own_page_alone(alice: User, alice_client: Client) -> None:
    account = service_account(alice)
    posted = {"full_name": "A", "email": "a@example.com", "role": Role.VIEWER, "version": account.version}
    for page in ("", "password/", "second-factor/", "invite/"):
        assert alice_client.post(f"/admin/permissions/{account.pk}/{page}", posted).status_code == 404
    account.refresh_from_db()
    assert account.email == ""


def test_the_role_of_a_service_account_is_changed_unless_another_user_was_faster(
    alice: User, alice_client: Client, bob_client: Client
) -> None:
    account = service_account(alice)
    url = f"/admin/permissions/service-accounts/{account.pk}/role/"
    posted = {"role": Role.VIEWER, "version": account.version}
    assert bob_client.post(url, posted).status_code == 403
    assert alice_client.post(url, {"role": "king"}).status_code == 422
    assert alice_client.post(url, posted).status_code == 302
    assert ApiClient(token_of(account)).get("token").json()["role"] == Role.VIEWER
    stale = alice_client.post(url, posted | {"role": Role.ADMINISTRATOR})
    assert stale.status_code == 409
    assert "This item was changed while you were editing." in stale.content.decode()
    account.refresh_from_db()
    assert account.role == Role.VIEWER
    assert AuditEntry.objects.get(action="edited", target_id=account.pk).changes == {
        "role": [Role.CONTRIBUTOR, Role.VIEWER]
    }


def test_a_service_account_gets_no_mail_and_no_single_sign_on(alice: User, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    account = service_account(alice, email="bot@example.com", hears_of_troubles=True, password=alice.password)
    assert account not in recipients.notified_users()
    password_links.request_link("bot@example.com", "http://testserver/")
    password_links.mail_due()
    assert not mail.outbox
    assert adapters._find_account("bot@example.com") is None


def test_the_sentence_about_a_deactivated_service_account_speaks_of_tokens(
    alice: User, alice_client: Client
) -> None:
    account = service_account(alice)
    url = f"/admin/permissions/{account.pk}"
    asked = alice_client.get(f"{url}/deactivate/").content.decode()
    assert "Its tokens stop working immediately, until the account is activated again." in asked
    assert "signed out" not in asked
    alice_client.post(f"{url}/deactivate/")
    activated = alice_client.post(f"{url}/activate/", follow=True).content.decode()
    assert "“airflow” is activated." in activated


def test_expired_tokens_are_not_counted(alice: User, alice_client: Client) -> None:
    account = service_account(alice)
    for days in (1, 30, None):
        token_of(account, days=days)
    ApiToken.objects.filter(expires_at__lt=clock.now() + timedelta(days=2)).update(expires_at=clock.now())
    assert "2 tokens" in alice_client.get("/admin/permissions/service-accounts/").content.decode()


@pytest.mark.parametrize("action", ["set password", "password reset"])
def test_a_reset_password_revokes_the_tokens_of_the_user(alice: User, bob: User, action: str) -> None:
    client, other = client_of(bob), client_of(alice)
    actions.set_password(user=bob, password="another long password", by=alice, action=action)
    assert client.get("token").status_code == 401
    assert other.get("token").status_code == 200
    entry = AuditEntry.objects.get(action="revoked")
    assert (entry.actor_id, entry.target_kind) == (alice.pk, "apitoken")


def test_a_password_that_its_user_changed_keeps_the_tokens(bob: User) -> None:
    client = client_of(bob)
    actions.set_password(user=bob, password="another long password", by=bob, action="password changed")
    assert client.get("token").status_code == 200


def test_the_help_shows_the_address_of_the_installation(charlie_client: Client, settings: Settings) -> None:
    assert "http://testserver/api/v1/exports" in charlie_client.get("/help/rest-api/").content.decode()
    settings.PUBLIC_URL, settings.PUBLIC_URL_IS_GIVEN = "https://segments.example.com/", True
    page = charlie_client.get("/help/rest-api/").content.decode()
    assert "https://segments.example.com/api/v1/exports" in page


def test_the_document_and_its_page_need_nothing_from_elsewhere(client: Client, charlie_client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert "/api/v1/token" in document["paths"]
    page = charlie_client.get("/api/docs").content.decode()
    assert "ninja/swagger-ui-bundle.js" in page
    assert "://" not in page.replace("http://www.w3.org", "")


def test_tokens_are_deleted_with_their_user(alice: User, bob: User) -> None:
    token_of(bob)
    api_tokens.revoke_token(token=ApiToken.objects.get(user=bob), by=bob)
    actions.remove_user(user=bob, by=alice)
    assert not ApiToken.objects.exists()
