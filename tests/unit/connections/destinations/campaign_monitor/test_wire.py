"""Bodies out, answers in: plain bytes, no line and no mock."""

from typing import Any

import orjson
import pytest

from connections.destinations.campaign_monitor import error_codes, responses, wire
from connections.destinations.campaign_monitor.responses import Answer
from connections.destinations.errors import (
    AccountFull,
    BatchRefused,
    DestinationError,
    NeedsAdministrator,
    PermanentError,
    TryLater,
)
from connections.destinations.values import RefusalKind


def answer(status: int, content: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, orjson.dumps(content), named, seconds=0.25)


def failure(email: str, code: int, message: str = "No.") -> dict[str, Any]:
    return {"EmailAddress": email, "Code": code, "Message": message}


def result(unique: int, existing: int, new: int, *failures: dict[str, Any]) -> dict[str, Any]:
    return {
        "TotalUniqueEmailsSubmitted": unique,
        "TotalExistingSubscribers": existing,
        "TotalNewSubscribers": new,
        "DuplicateEmailsInSubmission": [],
        "FailureDetails": list(failures),
    }


def partial(unique: int, existing: int, new: int, *failures: dict[str, Any]) -> Answer:
    content = {"Code": 210, "Message": "Some failed", "ResultData": result(unique, existing, new, *failures)}
    return answer(400, content)


def refused(status: int, code: int, message: str = "No.", **headers: str) -> Answer:
    return answer(status, {"Code": code, "Message": message}, **headers)


def error_of_import(given: Answer) -> DestinationError:
    with pytest.raises(DestinationError) as caught:
        wire.read_import(given, bytes_sent=1, rows=9)
    return caught.value


# -- bodies ----------------------------------------------------------------------------------------------------


def test_it_joins_people_without_encoding_them_again() -> None:
    body = wire.import_body(['{"EmailAddress":"zoë@example.com"}', '{"EmailAddress":"b@example.com"}'])
    assert [row["EmailAddress"] for row in orjson.loads(body)["Subscribers"]] == [
        "zoë@example.com",
        "b@example.com",
    ]


def test_it_never_resubscribes_nor_starts_journeys() -> None:
    content = orjson.loads(wire.import_body(["{}"]))
    assert content == {
        "Resubscribe": False,
        "QueueSubscriptionBasedAutoResponders": False,
        "RestartSubscriptionBasedAutoresponders": False,
        "Subscribers": [{}],
    }


def test_it_starts_automations_when_that_was_chosen() -> None:
    chosen = wire.import_body(["{}"], starts_automations=True, restarts_automations=True)
    assert orjson.loads(chosen) == {
        "Resubscribe": False,
        "QueueSubscriptionBasedAutoResponders": True,
        "RestartSubscriptionBasedAutoresponders": True,
        "Subscribers": [{}],
    }


# -- receipts --------------------------------------------------------------------------------------------------


def test_it_reads_a_full_success() -> None:
    receipt = wire.read_import(answer(201, result(3, 1, 2)), bytes_sent=77, rows=9)
    assert (receipt.new, receipt.existing, list(receipt.refusals), receipt.unaccounted) == (2, 1, [], 0)
    assert (receipt.http_status, receipt.seconds, receipt.bytes_sent) == (201, 0.25, 77)


def test_it_takes_a_partial_failure_for_a_result() -> None:
    receipt = wire.read_import(partial(3, 2, 0, failure("bad@example.com", 1)), bytes_sent=1, rows=9)
    (refusal,) = receipt.refusals
    assert (refusal.email, refusal.kind, refusal.code) == ("bad@example.com", RefusalKind.REJECTED, "1")
    assert receipt.unaccounted == 0


def test_it_counts_contacts_that_the_answer_does_not_mention() -> None:
    assert wire.read_import(partial(5, 1, 1, failure("a@example.com", 206)), bytes_sent=1, rows=9).unaccounted == 2


def test_the_unaccounted_are_never_less_than_zero() -> None:
    assert wire.read_import(answer(201, result(1, 1, 1)), bytes_sent=1, rows=9).unaccounted == 0


@pytest.mark.parametrize("code", [204, 205, 206, 207, 208])
def test_it_leaves_people_as_the_list_keeps_them(code: int) -> None:
    (refusal,) = wire.read_import(partial(1, 0, 0, failure("a@example.com", code)), bytes_sent=1, rows=9).refusals
    assert refusal.kind is RefusalKind.SUPPRESSED
    assert refusal.message == str(error_codes.SUPPRESSED[code])


@pytest.mark.parametrize("code", [1, 214, 215, -213, 220, 221])
def test_it_rejects_people_for_what_was_sent(code: int) -> None:
    (refusal,) = wire.read_import(partial(1, 0, 0, failure("a@example.com", code)), bytes_sent=1, rows=9).refusals
    assert refusal.kind is RefusalKind.REJECTED
    assert refusal.message == str(error_codes.REJECTED[code])


def test_it_knows_missing_consent_by_its_words_too() -> None:
    odd = failure("a@example.com", 999, "Subscriber is missing a ConsentToTrack value")
    (refusal,) = wire.read_import(partial(1, 0, 0, odd), bytes_sent=1, rows=9).refusals
    assert "Consent to track" in refusal.message


def test_it_quotes_a_strange_refusal_without_the_address() -> None:
    odd = failure("a@example.com", 999, "A@Example.com is odd")
    (refusal,) = wire.read_import(partial(1, 0, 0, odd), bytes_sent=1, rows=9).refusals
    assert "… is odd" in refusal.message
    assert "999" in refusal.message
    with pytest.raises(BatchRefused, match=r"“Odd: …, and …\.”"):
        wire.read_import(
            refused(400, 987, "Odd: ann+1@example.com, and Ben@Mail.Example.co.uk."), bytes_sent=1, rows=9
        )


def test_it_knows_people_however_the_list_writes_their_address() -> None:
    (refusal,) = wire.read_import(
        partial(1, 0, 0, failure(" Ann@Example.com", 206)), bytes_sent=1, rows=9
    ).refusals
    assert refusal.email == "ann@example.com"


# -- refusals of everything ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (refused(400, 400, "Deserialization failed: subscriber"), BatchRefused),
        (refused(400, 209), BatchRefused),
        (refused(400, 212), BatchRefused),
        (refused(400, 214), BatchRefused),
        (refused(400, 215), BatchRefused),
        (refused(400, -213), BatchRefused),
        (refused(400, 210), BatchRefused),
        (answer(400, {"Code": 210, "Message": "", "ResultData": None}), BatchRefused),
        (refused(400, 987, "Something new"), BatchRefused),
        (refused(400, 987, "Consent is missing"), BatchRefused),
        (Answer(413, b"<html>too large</html>"), BatchRefused),
        (refused(401, 100), NeedsAdministrator),
        (refused(401, 120), NeedsAdministrator),
        (refused(401, 121), NeedsAdministrator),
        (refused(401, 122), NeedsAdministrator),
        (refused(401, 60), NeedsAdministrator),
        (refused(403, 403), NeedsAdministrator),
        (refused(401, 101), PermanentError),
        (refused(400, 101), PermanentError),
        (refused(401, 102), PermanentError),
        (refused(400, 253), PermanentError),
        (refused(400, 250), PermanentError),
        (refused(404, 404), PermanentError),
        (Answer(404, b""), PermanentError),
        (refused(401, 987), PermanentError),
        (refused(429, 429, "Rate limit exceeded"), TryLater),
        (refused(500, 500), TryLater),
        (Answer(502, b"<html>Bad gateway</html>"), TryLater),
        (Answer(503, b""), TryLater),
        (Answer(429, b""), TryLater),
        (Answer(302, b""), TryLater),
        (Answer(401, b"<html>a sign-in page of another system</html>"), TryLater),
        (Answer(201, b'{"TotalUniqueEmailsSub'), TryLater),
        (Answer(201, b""), TryLater),
        (answer(201, []), TryLater),
        (answer(201, {"TotalUniqueEmailsSubmitted": 1}), TryLater),
    ],
)
def test_it_names_errors_by_what_happens_next(given: Answer, expected: type[DestinationError]) -> None:
    error = error_of_import(given)
    assert type(error) is expected
    assert error.http_status == given.status
    assert error.code
    assert error.sentence.endswith(".")


@pytest.mark.parametrize("given", [refused(402, 0), refused(400, 999, "Upgrade your plan to add more people.")])
def test_a_plan_that_is_full_ends_the_run_with_that_sentence(given: Answer) -> None:
    error = error_of_import(given)
    assert isinstance(error, AccountFull)
    assert "allows no more subscribers" in error.sentence


def test_it_waits_as_long_as_it_is_asked_to() -> None:
    error = error_of_import(refused(429, 429, retry_after="7", x_ratelimit_reset="30"))
    assert isinstance(error, TryLater)
    assert (error.throttled, error.after_seconds) == (True, 30.0)


def test_it_understands_a_moment_to_retry_after() -> None:
    headers = {"retry-after": "Fri, 01 Mar 2024 10:00:30 GMT", "date": "Fri, 01 Mar 2024 10:00:00 GMT"}
    assert responses.asked_to_wait(headers) == 30.0


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf"])
def test_a_wait_that_cannot_be_read_is_ignored(value: str) -> None:
    assert responses.asked_to_wait({"retry-after": value}) is None


def test_a_failure_over_there_is_not_throttling() -> None:
    error = error_of_import(refused(503, 500, retry_after="3"))
    assert isinstance(error, TryLater)
    assert (error.throttled, error.after_seconds) == (False, 3.0)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b'"text"', b"{}", b"\xff\xfe", b'{"Code": "x"}', b"<"]
)
@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 404, 410, 429, 500])
def test_nothing_but_its_own_errors_comes_out(status: int, body: bytes) -> None:
    error_of_import(Answer(status, body))
    with pytest.raises(DestinationError):
        wire.read_list(Answer(status, body))


# -- readers ---------------------------------------------------------------------------------------------------


def test_it_reads_clients_and_lists() -> None:
    assert wire.read_clients(answer(200, [{"ClientID": "c1", "Name": "Shop"}])) == [wire.NamedId("c1", "Shop")]
    assert wire.read_lists(answer(200, [{"ListID": "l1", "Name": "News"}])) == [wire.NamedId("l1", "News")]


def test_it_takes_a_clients_name_and_lets_go_of_the_key() -> None:
    content = {"ApiKey": "live-key", "BasicDetails": {"ClientID": "c1", "CompanyName": "Shop"}}
    assert wire.read_client_name(answer(200, content)) == "Shop"


def test_it_reads_a_list() -> None:
    content = {"Title": "News", "ConfirmedOptIn": True, "UnsubscribeSetting": "AllClientLists", "ListID": "l1"}
    assert wire.read_list(answer(200, content)) == wire.ListSettings("News", True, True)


def test_it_reads_custom_fields_by_their_bracketed_keys() -> None:
    content = [
        {"FieldName": "City", "Key": "[City]", "DataType": "Text", "FieldOptions": []},
        {"FieldName": "Likes", "Key": "[Likes]", "DataType": "MultiSelectMany", "FieldOptions": ["Tea", "Rum"]},
        {"FieldName": "Odd", "Key": "[Odd]", "DataType": "Hologram", "FieldOptions": []},
    ]
    city, likes = wire.read_custom_fields(answer(200, content))
    assert (city.key, city.label, city.data_type) == ("[City]", "City", "text")
    assert (likes.data_type, likes.options) == ("choices", ("Tea", "Rum"))


def test_a_reader_says_what_a_refusal_stands_for() -> None:
    with pytest.raises(NeedsAdministrator):
        wire.read_clients(refused(401, 100))
    with pytest.raises(PermanentError):
        wire.read_list(refused(400, 209))


@pytest.mark.parametrize("content", [{}, {"Title": None}, [1], 7, "text", None, [{"ClientID": "c1"}]])
def test_a_reader_tries_again_when_it_cannot_read(content: Any) -> None:
    with pytest.raises(TryLater):
        wire.read_clients(answer(200, content or {"odd": 1}))
    with pytest.raises(TryLater):
        wire.read_active_people(answer(200, content))
