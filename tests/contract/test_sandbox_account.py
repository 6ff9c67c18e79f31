"""Who may call what: the account, its clients, keys and tokens."""

from typing import Any

import pytest
import requests

from tests.contract.official import createsend
from tests.support.sandbox import RunningSandbox

HELSINKI = "(GMT+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius"


@pytest.fixture
def account(official: Any, key: dict[str, str]) -> Any:
    return official.CreateSend(key)


@pytest.fixture
def client(sandbox: RunningSandbox, official: Any, key: dict[str, str]) -> Any:
    return official.Client(key, sandbox.client_id)


def test_the_account_answers_its_readers(sandbox: RunningSandbox, account: Any) -> None:
    assert [(each.ClientID, each.Name) for each in account.clients()] == [(sandbox.client_id, "Sandbox client")]
    assert account.billing_details().Credits == 0
    assert len(account.systemdate()) == len("2026-01-01 00:00:00")
    assert len(account.countries()) > 200
    assert HELSINKI in account.timezones()
    assert account.get_primary_contact().EmailAddress == "owner@example.com"
    assert account.administrators()[0].EmailAddress == "owner@example.com"


def test_the_client_answers_its_readers(sandbox: RunningSandbox, client: Any) -> None:
    details = client.details()
    assert details.ApiKey == sandbox.client_api_key
    assert details.BasicDetails.ClientID == sandbox.client_id
    assert [(each.ListID, each.Name) for each in client.lists()] == [(sandbox.list_id, "Newsletter")]
    assert client.segments() == []
    assert client.people()[0].EmailAddress == "owner@example.com"
    assert client.get_primary_contact().EmailAddress == "owner@example.com"


def test_lists_for_an_address(sandbox: RunningSandbox, client: Any) -> None:
    sandbox.import_people([{"EmailAddress": "a+b@example.com"}])

    found = client.lists_for_email("a+b@example.com")
    assert [(each.ListID, each.ListName, each.SubscriberState) for each in found] == [
        (sandbox.list_id, "Newsletter", "Active")
    ]
    assert client.lists_for_email("nobody@example.com") == []


def test_clients_are_created_and_deleted(account: Any, key: dict[str, str]) -> None:
    client = createsend.Client(key)
    client_id = client.create("Second", HELSINKI, "Finland")
    assert client.details().BasicDetails.CompanyName == "Second"
    createsend.List(key).create(client_id, "Theirs", "", False, "")

    client.delete()
    assert len(account.clients()) == 1
    with pytest.raises(createsend.Unauthorized) as refusal:
        client.details()
    assert refusal.value.data.Code == 102


@pytest.mark.parametrize(
    ("company", "country", "zone", "code"),
    [("", "Finland", HELSINKI, 152), ("A", "Atlantis", HELSINKI, 154), ("A", "Finland", "noon", 157)],
)
def test_a_bad_client_is_refused(account: Any, company: str, country: str, zone: str, code: int) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        createsend.Client(account.auth_details).create(company, zone, country)
    assert refusal.value.data.Code == code


def test_suppressing_and_unsuppressing(client: Any) -> None:
    client.suppress(["b@example.com", "a@example.com"])
    client.suppress("a+b@example.com")
    found = client.suppressionlist(order_direction="desc")
    assert [each.EmailAddress for each in found.Results] == ["b@example.com", "a@example.com", "a+b@example.com"]
    assert {each.State for each in found.Results} == {"Suppressed"}

    client.unsuppress("a+b@example.com")
    assert client.suppressionlist(page_size=10).TotalNumberOfRecords == 2
    with pytest.raises(createsend.BadRequest) as refusal:
        client.unsuppress("a+b@example.com")
    assert refusal.value.data.Code == 176


@pytest.mark.parametrize("auth", [{"api_key": "wrong"}, {}])
def test_a_wrong_key_and_none_are_the_same(official: Any, auth: dict[str, str]) -> None:
    with pytest.raises(official.Unauthorized) as refusal:
        official.CreateSend(auth).clients()
    assert (refusal.value.data.Code, refusal.value.data.Message) == (100, "Invalid API Key")


@pytest.mark.parametrize("version", ["v3", "v3.1", "v3.2", "v3.3", "v3.9"])
def test_a_stranger_learns_nothing_of_paths(sandbox: RunningSandbox, version: str) -> None:
    answer = requests.get(f"{sandbox.url}/api/{version}/nowhere.json", timeout=10)

    assert (answer.status_code, answer.content) == (401, b'{"Code":100,"Message":"Invalid API Key"}')


@pytest.mark.parametrize("path", ["/api/v4.0/clients.json", "/api/v9.9/clients.json", "/api/v3.9/clients.json"])
def test_other_versions_do_not_exist(sandbox: RunningSandbox, path: str) -> None:
    answer = requests.get(sandbox.url + path, auth=(sandbox.api_key, "x"), timeout=10)

    assert (answer.status_code, answer.content) == (404, b"")


def test_an_unknown_path_is_404_for_friends(official: Any, account: Any) -> None:
    with pytest.raises(official.NotFound):
        account._get("/nowhere.json")


@pytest.mark.parametrize("version", ["v3", "v3.1", "v3.2", "v3.3"])
@pytest.mark.parametrize("password", ["x", "nopass", "magic", ""])
def test_any_password_is_accepted_with_a_key(sandbox: RunningSandbox, version: str, password: str) -> None:
    auth = (sandbox.api_key, password)

    assert sandbox.api("GET", "/systemdate.json", auth=auth, version=version).status_code == 200


def test_a_clients_key_reaches_that_client_only(
    sandbox: RunningSandbox, key: dict[str, str], official: Any
) -> None:
    second = official.Client(key)
    second.create("Second", HELSINKI, "Finland")
    theirs = official.List(key).create(second.client_id, "Theirs", "", False, "")
    narrow = {"api_key": sandbox.client_api_key}

    assert official.CreateSend(narrow).systemdate()
    assert len(official.Client(narrow, sandbox.client_id).lists()) == 1
    assert official.List(narrow, sandbox.list_id).details().Title == "Newsletter"
    for call in (official.Client(narrow, second.client_id).lists, official.List(narrow, theirs).details):
        with pytest.raises(official.Unauthorized) as refusal:
            call()
        assert refusal.value.data.Code == 102


def test_a_clients_key_may_not_see_the_account(sandbox: RunningSandbox) -> None:
    for path in ("/clients.json", "/billingdetails.json", "/admins.json", "/primarycontact.json"):
        answer = sandbox.api("GET", path, auth=(sandbox.client_api_key, "x"))
        assert (answer.status_code, answer.json()["Code"]) == (403, 403)


def test_unknown_ids_are_refused_with_their_codes(official: Any, key: dict[str, str]) -> None:
    with pytest.raises(official.Unauthorized) as refusal:
        official.List(key, "0" * 32).details()
    assert refusal.value.data.Code == 101
    with pytest.raises(official.Unauthorized) as refusal:
        official.Client(key, "nonsense").lists()
    assert refusal.value.data.Code == 102


@pytest.mark.parametrize(("token", "code"), [({"revoked": True}, 122), ({"expires_in": -1}, 121), (None, 120)])
def test_a_bad_token_is_refused_with_its_code(
    sandbox: RunningSandbox, official: Any, token: dict[str, Any] | None, code: int
) -> None:
    made = sandbox.door("POST", "tokens", json=token)["access_token"] if token else "unknown"
    expected = official.ExpiredOAuthToken if code == 121 else official.Unauthorized

    with pytest.raises(expected) as refusal:
        official.CreateSend({"access_token": made}).clients()
    assert refusal.value.data.Code == code


def test_tokens_reach_what_their_scopes_allow(sandbox: RunningSandbox, official: Any) -> None:
    made = sandbox.door("POST", "tokens", json={"scopes": ["ViewReports"]})["access_token"]
    mailing_list = official.List({"access_token": made}, sandbox.list_id)

    assert mailing_list.details().Title == "Newsletter"
    with pytest.raises(official.Unauthorized) as refusal:
        mailing_list.create_custom_field("Town", "Text")
    assert refusal.value.data.Code == 60
    everything = sandbox.door("POST", "tokens", json={})["access_token"]
    official.List({"access_token": everything}, sandbox.list_id).create_custom_field("Town", "Text")
