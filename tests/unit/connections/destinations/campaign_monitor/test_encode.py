"""From a person's values to the piece of JSON that is sent."""

import time
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from connections.destinations.campaign_monitor.encode import preparer
from connections.destinations.errors import PermanentError
from connections.destinations.values import (
    FieldMapping,
    Incomplete,
    Preparer,
    SendSettings,
    TargetField,
    Violation,
)

FIELDS = [
    TargetField("name", "Name", "text"),
    TargetField("[City]", "City", "text"),
    TargetField("[Points]", "Points", "number"),
    TargetField("[Born]", "Born", "date"),
    TargetField("[Tier]", "Tier", "choice", ("Gold", "Silver")),
    TargetField("[Likes]", "Likes", "choices", ("Tea", "Rum and Coke", "Milk")),
    TargetField("[Country]", "Country", "country", ("Finland", "Poland")),
    TargetField("[State]", "State", "state"),
    TargetField("[Home]", "Home", "state", ("California", "Ohio")),
    TargetField("mobile_number", "Mobile number", "mobile"),
]


def prepare_for(*keys: str, consent: str = "unchanged", **answers: str) -> Preparer:
    mapping = [FieldMapping(f"attribute_{key}", key) for key in keys]
    answers = {"consent_to_track": consent, "consent_to_send_sms": "unchanged"} | answers
    return preparer(SendSettings("list", mapping, answers, FIELDS))


def prepared(key: str, value: Any, **answers: str) -> Any:
    """The custom fields that come of one value in one field; or the value that is left out."""
    made = prepare_for(key, **answers)("a@example.com", [value])
    if isinstance(made, Incomplete):
        return made.left_out[0]
    assert isinstance(made, str)
    return orjson.loads(made).get("CustomFields", [])


def sent(prepare: Preparer, *values: Any) -> Any:
    """A whole person as sent; or the value that is left out."""
    made = prepare("a@example.com", values)
    if isinstance(made, Incomplete):
        return made.left_out[0]
    assert isinstance(made, str)
    return orjson.loads(made)


def entry(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


def cleared(key: str, value: str = "") -> dict[str, Any]:
    return {"Key": key, "Value": value, "Clear": True}


def violation(key: str, value: Any) -> Violation:
    made = prepared(key, value)
    assert isinstance(made, Violation)
    return made


def test_it_writes_a_whole_person() -> None:
    made = prepare_for("name", "[City]", "[Points]", "[Born]", "[Tier]", "[Likes]")(
        "zoe@example.com", ["Zoë “Z” Ö", "Kraków", 12.5, "1990-05-31", "gold", "Milk;Tea"]
    )
    assert isinstance(made, str)
    assert orjson.loads(made) == {
        "EmailAddress": "zoe@example.com",
        "Name": "Zoë “Z” Ö",
        "CustomFields": [
            entry("[City]", "Kraków"),
            entry("[Points]", "12.5"),
            entry("[Born]", "1990/05/31"),
            entry("[Tier]", "Gold"),
            entry("[Likes]", "Milk"),
            entry("[Likes]", "Tea"),
        ],
        "ConsentToTrack": "Unchanged",
    }


@pytest.mark.parametrize(("chosen", "sent"), [("yes", "Yes"), ("no", "No"), ("unchanged", "Unchanged")])
def test_it_sends_the_consent_that_was_chosen(chosen: str, sent: str) -> None:
    made = prepare_for(consent=chosen)("a@example.com", [])
    assert made == f'{{"EmailAddress":"a@example.com","ConsentToTrack":"{sent}"}}'


@pytest.mark.parametrize("answers", [{}, {"consent_to_track": ""}, {"consent_to_track": "maybe"}])
def test_no_contact_is_sent_without_a_choice_of_consent(answers: dict[str, str]) -> None:
    with pytest.raises(PermanentError, match="Consent to track"):
        preparer(SendSettings("list", [], answers, FIELDS))


def test_no_contact_is_sent_to_a_field_that_is_gone() -> None:
    with pytest.raises(PermanentError, match=r"\[Gone\]"):
        prepare_for("[Gone]")


@pytest.mark.parametrize("absent", [None, "", "   "])
def test_it_leaves_out_what_is_absent(absent: object) -> None:
    made = prepare_for("name", "[City]", "[Likes]")("a@example.com", [absent, absent, absent])
    assert made == '{"EmailAddress":"a@example.com","ConsentToTrack":"Unchanged"}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Łódź", "Łódź"),
        (7, "7"),
        (7.0, "7"),
        (7.25, "7.25"),
        (True, "Yes"),
        (False, "No"),
        (0, "0"),
        ("x" * 250, "x" * 250),
        ([1, "a"], '[1, "a"]'),
    ],
)
def test_text_takes_anything(value: object, text: str) -> None:
    assert prepared("[City]", value) == [entry("[City]", text)]


def test_text_beyond_the_limit_is_set_aside_and_never_cut() -> None:
    refused = violation("[City]", "x" * 251)
    assert refused.code == "too_long"
    assert "City" in refused.message
    assert "251" in refused.message


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (-2.5, "-2.5"), ("  4.0 ", "4.0"), ("+5", "+5"), (1e20, "100000000000000000000")]
)
def test_number_takes_numbers(value: object, text: str) -> None:
    assert prepared("[Points]", value) == [entry("[Points]", text)]


@pytest.mark.parametrize("value", ["1,5", "many", "1e5", True, float("nan"), float("inf"), "١٢", [1]])
def test_number_refuses_the_rest(value: object) -> None:
    assert violation("[Points]", value).code == "not_a_number"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1900-01-01", "1900/01/01"),
        ("2076-06-06", "2076/06/06"),
        ("2024-02-29", "2024/02/29"),
        ("2024-02-29T12:00:00Z", "2024/02/29"),
    ],
)
def test_date_is_written_as_the_vendor_wants(value: str, text: str) -> None:
    assert prepared("[Born]", value) == [entry("[Born]", text)]


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Pacific/Auckland", "2024-05-31T20:00:00Z", "2024/06/01"),
        ("America/Los_Angeles", "2024-05-31 03:00:00+00:00", "2024/05/30"),
        ("America/Los_Angeles", "2024-05-31T03:00:00", "2024/05/31"),  # without an offset it is local already
    ],
)
def test_the_day_of_a_moment_is_that_of_the_environment(
    zone: str, moment: str, day: str, settings: Settings
) -> None:
    settings.TIME_ZONE = zone
    assert prepared("[Born]", moment) == [entry("[Born]", day)]


@pytest.mark.parametrize("value", ["1899-12-31", "2076-06-07"])
def test_date_out_of_range_is_told_and_not_swallowed(value: str) -> None:
    assert violation("[Born]", value).code == "date_out_of_range"


@pytest.mark.parametrize(
    "value", ["31.05.1990", "2023-02-29", "2024-W01-1", "20240101", 5, True, [1], "2024-01-01x"]
)
def test_date_refuses_the_rest(value: object) -> None:
    assert violation("[Born]", value).code == "not_a_date"


@pytest.mark.parametrize("key", ["[Tier]", "[Country]"])
def test_choice_refuses_an_option_that_is_not_there(key: str) -> None:
    assert violation(key, "Bronze").code == "no_such_option"


def test_choice_takes_the_lists_own_spelling() -> None:
    assert prepared("[Country]", " finland") == [entry("[Country]", "Finland")]


def test_state_takes_any_text_where_the_vendor_names_none() -> None:
    assert prepared("[State]", "Ohio") == [entry("[State]", "Ohio")]


@pytest.mark.parametrize("key", ["[State]", "[Home]"])
def test_state_spells_postal_codes_out(key: str) -> None:
    assert prepared(key, "ca") == [entry(key, "California")]


def test_state_refuses_what_is_not_among_those_that_the_vendor_names() -> None:
    assert violation("[Home]", "TX").code == "no_such_option"


def test_choices_are_one_entry_each() -> None:
    likes = [entry("[Likes]", "Tea"), entry("[Likes]", "Rum and Coke")]
    assert prepared("[Likes]", "Tea; rum and coke ;;tea") == likes
    assert prepared("[Likes]", ["Tea", "Rum and Coke"]) == likes


def test_choices_refuse_an_option_that_is_not_there() -> None:
    assert violation("[Likes]", "Tea;Beer").code == "no_such_option"


@pytest.mark.parametrize("key", ["[Points]", "[Born]", "[Tier]", "[Likes]"])
def test_a_violation_never_tells_the_value(key: str) -> None:
    assert "a secret" not in violation(key, "a secret").message


def test_the_name_may_stand_anywhere_in_the_mapping() -> None:
    made = prepare_for("[City]", "name", "[Points]")("a@example.com", ["Oslo", "Ann", 4])
    assert isinstance(made, str)
    content = orjson.loads(made)
    assert content["Name"] == "Ann"
    assert content["CustomFields"] == [entry("[City]", "Oslo"), entry("[Points]", "4")]


def test_a_violation_beside_a_name_is_still_one() -> None:
    excluding = prepare_for("name", "[Points]", unusable_values="exclude")
    assert isinstance(excluding("a@example.com", ["Ann", "x"]), Violation)


# -- consent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "said"), [(True, "Yes"), (False, "No"), (None, "No")])
def test_an_attribute_answers_for_each_person(answer: bool | None, said: str) -> None:
    person = sent(prepare_for("[City]", consent="attribute:tracking"), "Oslo", answer)
    assert (person["ConsentToTrack"], person["CustomFields"]) == (said, [entry("[City]", "Oslo")])


def test_each_consent_takes_its_own_attribute() -> None:
    prepare = prepare_for(
        "mobile_number", "name", consent="attribute:tracking", consent_to_send_sms="attribute:texts"
    )
    # The answers stand behind the values in the order of the questions' names: text messages first.
    person = sent(prepare, "+358401234567", "Ann", True, False)
    assert (person["ConsentToSendSms"], person["ConsentToTrack"], person["Name"]) == ("Yes", "No", "Ann")


# -- mobile number ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["+358401234567", " +358 (40) 123-45.67 ", "+358/40 1234567"])
def test_a_mobile_number_is_written_as_the_vendor_wants_it(number: str) -> None:
    person = sent(prepare_for("mobile_number", consent_to_send_sms="yes"), number)
    assert (person["MobileNumber"], person["ConsentToSendSms"]) == ("+358401234567", "Yes")


@pytest.mark.parametrize(
    "number",
    ["0401234567", "00358401234567", 358401234567, "+0401234567", "+12345", f"+{'1' * 16}", "+35840x", True],
)
def test_a_mobile_number_without_a_country_code_is_set_aside(number: object) -> None:
    refused = sent(prepare_for("mobile_number"), number)
    assert isinstance(refused, Violation)
    assert refused.code == "not_a_mobile_number"


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_a_contact_without_a_mobile_number_gives_no_consent_to_text_messages(absent: object) -> None:
    made = prepare_for("mobile_number", consent_to_send_sms="yes")("a@example.com", [absent])
    assert made == '{"EmailAddress":"a@example.com","ConsentToTrack":"Unchanged"}'


def test_it_sends_no_number_without_a_choice_of_consent_to_text_messages() -> None:
    with pytest.raises(PermanentError, match="Consent to send SMS"):
        prepare_for("mobile_number", consent_to_send_sms="")


# -- blanks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("absent", [None, "", "   "])
@pytest.mark.parametrize("key", ["[City]", "[Points]", "[Tier]", "[Likes]", "[Country]", "[State]"])
def test_blanks_are_cleared_where_that_was_chosen(key: str, absent: object) -> None:
    assert prepared(key, absent, blanks="clear") == [cleared(key)]


@pytest.mark.parametrize("absent", [None, " "])
def test_a_date_is_cleared_as_documented(absent: object) -> None:
    assert prepared("[Born]", absent, blanks="clear") == [entry("[Born]", "0000-00-00")]


def test_name_and_mobile_number_are_cleared_by_being_empty() -> None:
    person = sent(prepare_for("name", "mobile_number", blanks="clear"), None, "")
    assert (person["Name"], person["MobileNumber"]) == ("", "")
    assert "ConsentToSendSms" not in person


def test_options_that_a_person_no_longer_has_are_taken_away_where_blanks_are_cleared() -> None:
    assert prepared("[Likes]", "Milk", blanks="clear") == [
        entry("[Likes]", "Milk"),
        cleared("[Likes]", "Tea"),
        cleared("[Likes]", "Rum and Coke"),
    ]


def test_a_value_that_is_there_is_sent_without_clear() -> None:
    assert prepared("[City]", "Oslo", blanks="clear") == [entry("[City]", "Oslo")]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=250))
def test_whatever_the_text_it_arrives_as_it_was(text: str) -> None:
    expected = [entry("[City]", text.strip())] if text.strip() else []
    assert prepared("[City]", text) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), st.lists))
def test_whatever_the_value_it_never_fails(value: Any) -> None:
    for field in FIELDS:
        assert isinstance(prepare_for(field.key)("a@example.com", [value]), str | Incomplete)


def test_it_is_quick_enough_for_a_million() -> None:
    """A loose bar, since machines differ: the benchmark has the real one."""
    prepare = prepare_for("name", "[City]", "[Born]", "[Tier]")
    values: Sequence[Any] = ["Ann Example", "Oslo", "1990-05-31", "Gold"]
    started = time.process_time()
    for _ in range(20_000):
        prepare("ann@example.com", values)
    assert 20_000 / (time.process_time() - started) > 60_000
