"""Lists, their readers and their webhooks, through the official client."""

from typing import Any

import pytest

from tests.contract.official import createsend
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def mailing_list(sandbox: RunningSandbox, official: Any, key: dict[str, str]) -> Any:
    return official.List(key, sandbox.list_id)


def code(refusal: Any) -> int:
    return int(refusal.value.data.Code)


def test_a_list_is_created_read_changed_and_deleted(sandbox: RunningSandbox, mailing_list: Any) -> None:
    list_id = mailing_list.create(sandbox.client_id, "Club", "https://example.com/u", True, "", "OnlyThisList")
    details = mailing_list.details()
    assert len(list_id) == 32
    assert (details.ListID, details.Title, details.ConfirmedOptIn) == (list_id, "Club", True)
    assert (details.UnsubscribeSetting, details.UnsubscribePage) == ("OnlyThisList", "https://example.com/u")

    mailing_list.update("The club", "", False, "")
    assert (mailing_list.details().Title, mailing_list.details().ConfirmedOptIn) == ("The club", False)
    mailing_list.delete()
    with pytest.raises(createsend.Unauthorized) as refusal:
        mailing_list.details()
    assert code(refusal) == 101


@pytest.mark.parametrize(
    ("title", "setting", "expected"),
    [("newsletter", "AllClientLists", 250), (" ", "AllClientLists", 251), ("New", "SomeLists", 261)],
)
def test_a_bad_list_is_refused(
    sandbox: RunningSandbox, mailing_list: Any, title: str, setting: str, expected: int
) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        mailing_list.create(sandbox.client_id, title, "", False, "", setting)
    assert code(refusal) == expected


def test_update_can_bring_list_and_suppressions_together(
    sandbox: RunningSandbox, mailing_list: Any, key: dict[str, str]
) -> None:
    client = createsend.Client(key, sandbox.client_id)
    mailing_list.update("Newsletter", "", False, "", "OnlyThisList")
    sandbox.import_people([{"EmailAddress": "a@example.com"}, {"EmailAddress": "b@example.com"}])
    sandbox.set_state(["b@example.com"], "Unsubscribed")
    client.suppress("a@example.com")

    mailing_list.update("Newsletter", "", False, "", "AllClientLists", True, True)
    assert [each.EmailAddress for each in client.suppressionlist().Results] == ["a@example.com", "b@example.com"]
    assert sandbox.counts()["Deleted"] == 1


def test_stats_are_twenty_four_numbers(sandbox: RunningSandbox, mailing_list: Any) -> None:
    sandbox.import_people([{"EmailAddress": f"p{number}@example.com"} for number in range(5)])
    sandbox.set_state(["p0@example.com"], "Bounced")
    answer = mailing_list.stats()
    stats = {name: getattr(answer, name) for name in STATS}

    assert len(STATS) == 24
    assert (stats["TotalActiveSubscribers"], stats["NewActiveSubscribersToday"]) == (4, 4)
    assert (stats["TotalBounces"], stats["BouncesThisYear"], stats["BouncesYesterday"]) == (1, 1, 0)


STATS = [
    total_or_part
    for total, part in (
        ("TotalActiveSubscribers", "NewActiveSubscribers"),
        ("TotalUnsubscribes", "Unsubscribes"),
        ("TotalDeleted", "Deleted"),
        ("TotalBounces", "Bounces"),
    )
    for total_or_part in (
        total,
        *(part + period for period in ("Today", "Yesterday", "ThisWeek", "ThisMonth", "ThisYear")),
    )
]


def test_a_list_has_no_segments(mailing_list: Any) -> None:
    assert mailing_list.segments() == []


@pytest.mark.parametrize("state", ["Active", "Unconfirmed", "Unsubscribed", "Bounced", "Deleted"])
def test_everybody_is_found_in_their_state(sandbox: RunningSandbox, mailing_list: Any, state: str) -> None:
    sandbox.set_state(["a@example.com"], state)
    page = getattr(mailing_list, state.lower())()

    assert [(each.EmailAddress, each.State) for each in page.Results] == [("a@example.com", state)]


def test_pages_of_subscribers_add_up_in_order(sandbox: RunningSandbox, mailing_list: Any) -> None:
    sandbox.import_people([{"EmailAddress": f"p{number:02}@example.com"} for number in range(25)])
    pages = [mailing_list.active(page=number, page_size=10, order_direction="desc") for number in (1, 2, 3, 4)]

    assert [each.RecordsOnThisPage for each in pages] == [10, 10, 5, 0]
    emails = [row.EmailAddress for page in pages for row in page.Results]
    assert emails == [f"p{number:02}@example.com" for number in reversed(range(25))]
    first = pages[0]
    assert (first.PageNumber, first.PageSize, first.TotalNumberOfRecords, first.NumberOfPages) == (1, 10, 25, 3)
    assert (first.ResultsOrderedBy, first.OrderDirection) == ("email", "desc")


def test_people_are_ordered_by_name_and_by_date(sandbox: RunningSandbox, mailing_list: Any) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com", "Name": "Bob"}])
    sandbox.import_people([{"EmailAddress": "b@example.com", "Name": "alice"}])

    assert [each.Name for each in mailing_list.active(order_field="name").Results] == ["alice", "Bob"]
    by_default = sandbox.api("GET", f"/lists/{sandbox.list_id}/active.json").json()
    assert (by_default["ResultsOrderedBy"], by_default["PageSize"]) == ("date", 1000)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"page": "0"}, 800),
        ({"page": "one"}, 800),
        ({"pagesize": "9"}, 801),
        ({"PageSize": "1001"}, 801),
        ({"orderfield": "state"}, 802),
        ({"orderdirection": "up"}, 803),
    ],
)
def test_bad_paging_is_refused(sandbox: RunningSandbox, parameters: dict[str, str], expected: int) -> None:
    answer = sandbox.api("GET", f"/lists/{sandbox.list_id}/active.json", params=parameters)

    assert (answer.status_code, answer.json()["Code"]) == (400, expected)


def test_the_suppression_list_is_not_ordered_by_name(sandbox: RunningSandbox) -> None:
    path = f"/clients/{sandbox.client_id}/suppressionlist.json"

    assert sandbox.api("GET", path, params={"orderfield": "name"}).json()["Code"] == 802


@pytest.mark.parametrize(("since", "found"), [("2020-01-01", 1), ("2100-01-01", 0), ("2020-01-01 12:00", 1)])
def test_the_date_limits_the_subscribers_that_are_read(
    sandbox: RunningSandbox, mailing_list: Any, since: str, found: int
) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com"}])

    assert mailing_list.active(since).TotalNumberOfRecords == found


def test_the_date_is_of_the_state_and_joining_is_once(sandbox: RunningSandbox, mailing_list: Any) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com"}])
    joined = mailing_list.active().Results[0].ListJoinedDate
    sandbox.set_state(["a@example.com"], "Deleted")

    assert mailing_list.deleted().Results[0].ListJoinedDate == joined


def test_the_joining_date_is_told_since_v3_3(sandbox: RunningSandbox) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com"}])
    path = f"/lists/{sandbox.list_id}/active.json"

    assert "ListJoinedDate" in sandbox.api("GET", path).json()["Results"][0]
    assert "ListJoinedDate" not in sandbox.api("GET", path, version="v3.2").json()["Results"][0]


@pytest.mark.parametrize("asked", ["True", "true", "TRUE"])
def test_consent_is_told_when_asked_for(sandbox: RunningSandbox, asked: str) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com"}])
    path = f"/lists/{sandbox.list_id}/active.json"
    told = sandbox.api("GET", path, params={"IncludeTrackingPreference": asked}).json()["Results"][0]

    assert told["ConsentToTrack"] == "Yes"
    assert "ConsentToTrack" not in sandbox.api("GET", path).json()["Results"][0]


def test_webhooks_are_kept_and_their_test_tells_what_failed(mailing_list: Any) -> None:
    webhook_id = mailing_list.create_webhook(["Subscribe", "Deactivate"], "http://127.0.0.1:9/hook", "json")
    kept = mailing_list.webhooks()[0]
    assert (kept.WebhookID, kept.Url, kept.Status, kept.PayloadFormat) == (
        webhook_id,
        "http://127.0.0.1:9/hook",
        "Active",
        "Json",
    )
    mailing_list.deactivate_webhook(webhook_id)
    assert mailing_list.webhooks()[0].Status != "Active"
    mailing_list.activate_webhook(webhook_id)
    with pytest.raises(createsend.BadRequest) as refusal:
        mailing_list.test_webhook(webhook_id)
    assert code(refusal) == 610
    mailing_list.delete_webhook(webhook_id)
    assert mailing_list.webhooks() == []


@pytest.mark.parametrize(
    ("events", "url", "payload_format", "expected"),
    [
        (["Subscribe"], "nowhere", "json", 601),
        (["Subscribe"], "https://example.com/", "yaml", 602),
        (["Sing"], "https://example.com/", "json", 603),
    ],
)
def test_bad_webhooks_are_refused(
    mailing_list: Any, events: list[str], url: str, payload_format: str, expected: int
) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        mailing_list.create_webhook(events, url, payload_format)
    assert code(refusal) == expected
