"""OAuth 2 as the official client knows it, and the page where the owner agrees."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.support.sandbox import RunningSandbox

BACK = "http://127.0.0.1:9/back"
SCOPE = "ImportSubscribers,ManageLists"
OWNER = {"email": "owner@example.com", "password": "sandbox"}


@pytest.fixture
def oauth(official: Any, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(official.CreateSend, "oauth_uri", f"{sandbox.url}/oauth")
    monkeypatch.setattr(official.CreateSend, "oauth_token_uri", f"{sandbox.url}/oauth/token")
    return official


def decide(url: str, **typed: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=typed, allow_redirects=False, timeout=30)


def answer_of(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    where = response.headers["Location"]
    assert where.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}


def code_for(oauth: Any, **changes: str) -> str:
    url = oauth.CreateSend({}).authorize_url(100001, BACK, SCOPE, "my-state")
    answer = answer_of(decide(url, do="allow", **{**OWNER, **changes}))
    assert answer["state"] == "my-state"
    return answer["code"]


def test_a_code_becomes_a_token_that_opens_the_account(oauth: Any) -> None:
    access, seconds, refresh = oauth.CreateSend({}).exchange_token(100001, "sandbox-secret", BACK, code_for(oauth))

    assert seconds == 14 * 24 * 3600
    client = oauth.CreateSend({"access_token": access, "refresh_token": refresh})
    assert client.clients()[0].Name == "Sandbox client"


@pytest.mark.parametrize("rotates", [False, True])
def test_a_token_is_refreshed(oauth: Any, sandbox: RunningSandbox, rotates: bool) -> None:
    sandbox.door("PUT", "oauth", json={"rotates": rotates})
    access, _seconds, refresh = oauth.CreateSend({}).exchange_token(
        100001, "sandbox-secret", BACK, code_for(oauth)
    )
    sandbox.door("POST", "oauth/expire")
    client = oauth.CreateSend({"access_token": access, "refresh_token": refresh})
    with pytest.raises(oauth.ExpiredOAuthToken):
        client.clients()

    fresh, seconds, next_refresh = client.refresh_token()

    assert (fresh != access, seconds) == (True, 1_209_600)
    assert (next_refresh != refresh) == rotates
    assert client.clients()
    assert sandbox.door("GET", "oauth")["refreshes"] == 1


def test_a_code_works_once_and_only_with_all_that_belongs_to_it(oauth: Any) -> None:
    client, code = oauth.CreateSend({}), code_for(oauth)
    client.exchange_token(100001, "sandbox-secret", BACK, code)
    for wrong in (
        (100001, "sandbox-secret", BACK, code),
        (100001, "sandbox-secret", BACK + "/else", code_for(oauth)),
        (100001, "wrong", BACK, code_for(oauth)),
    ):
        with pytest.raises(Exception, match="Error exchanging code"):
            client.exchange_token(*wrong)


def test_what_is_revoked_stays_revoked(oauth: Any, sandbox: RunningSandbox) -> None:
    given = sandbox.door("POST", "oauth/authorize", json={})
    sandbox.door("POST", "oauth/revoke")
    client = oauth.CreateSend({name: given[name] for name in ("access_token", "refresh_token")})

    with pytest.raises(oauth.Unauthorized) as refused:
        client.clients()
    assert refused.value.data.Code == 122
    with pytest.raises(AttributeError):  # the answer holds an error, which this client does not expect
        client.refresh_token()
    assert sandbox.door("GET", "oauth")["refusals"] == 1


def test_a_short_life_is_told_and_kept(oauth: Any, sandbox: RunningSandbox) -> None:
    sandbox.door("PUT", "oauth", json={"lifetime_seconds": 0})
    given = sandbox.door("POST", "oauth/authorize", json={})
    with pytest.raises(oauth.ExpiredOAuthToken):
        oauth.CreateSend({"access_token": given["access_token"]}).clients()


def test_the_owner_may_deny(oauth: Any) -> None:
    answer = answer_of(decide(oauth.CreateSend({}).authorize_url(100001, BACK, SCOPE, "my-state"), do="deny"))
    assert (answer["error"], answer["state"]) == ("access_denied", "my-state")


def test_a_wrong_password_is_refused(oauth: Any) -> None:
    refused = decide(
        oauth.CreateSend({}).authorize_url(100001, BACK, SCOPE), do="allow", **{**OWNER, "password": "x"}
    )
    assert (refused.status_code, "incorrect" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("client_id", "uri"), [(1, BACK), (100001, "https://elsewhere.example.com/"), (100001, "javascript:alert(1)")]
)
def test_an_unregistered_address_gets_no_redirect(oauth: Any, client_id: int, uri: str) -> None:
    refused = decide(oauth.CreateSend({}).authorize_url(client_id, uri, SCOPE), do="allow", **OWNER)
    assert (refused.status_code, "Location" in refused.headers) == (400, False)


def test_an_unknown_scope_is_named(oauth: Any) -> None:
    answer = answer_of(decide(oauth.CreateSend({}).authorize_url(100001, BACK, "Everything"), do="allow", **OWNER))
    assert answer["error"] == "unknown_scope"


def test_its_page_expires_and_revokes(sandbox: RunningSandbox, oauth: Any) -> None:
    given = sandbox.door("POST", "oauth/authorize", json={})
    page = requests.get(f"{sandbox.url}/authorizations/", timeout=30)
    assert page.status_code == 200
    assert given["access_token"] not in page.text
    for do, code in (("expire", 121), ("revoke", 122)):
        decide(f"{sandbox.url}/authorizations/", do=do)
        with pytest.raises(oauth.Unauthorized) as refused:
            oauth.CreateSend({"access_token": given["access_token"]}).clients()
        assert refused.value.data.Code == code
