"""Custom fields: their definitions through the official client, and how values are kept."""

from typing import Any

import pytest

from tests.contract.official import createsend
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def mailing_list(sandbox: RunningSandbox, official: Any, key: dict[str, str]) -> Any:
    return official.List(key, sandbox.list_id)


def values(sandbox: RunningSandbox, email: str = "a@example.com") -> list[tuple[str, str]]:
    record = sandbox.api("GET", f"/subscribers/{sandbox.list_id}.json", params={"email": email}).json()
    return [(each["Key"], each["Value"]) for each in record["CustomFields"]]


def send(sandbox: RunningSandbox, *entries: dict[str, Any], email: str = "a@example.com") -> None:
    sandbox.import_people([{"EmailAddress": email, "CustomFields": list(entries)}])


def test_a_fresh_list_has_four(mailing_list: Any) -> None:
    fields = mailing_list.custom_fields()

    assert [(each.FieldName, each.Key, each.DataType) for each in fields] == [
        ("City", "[City]", "Text"),
        ("Country", "[Country]", "Text"),
        ("BirthDate", "[BirthDate]", "Date"),
        ("Language", "[Language]", "Text"),
    ]
    assert all(each.VisibleInPreferenceCenter is True and each.FieldOptions == [] for each in fields)


def test_creating_answers_the_key_and_renaming_the_new_one(sandbox: RunningSandbox, mailing_list: Any) -> None:
    assert mailing_list.create_custom_field("subscription date", "Date") == "[subscriptiondate]"
    send(sandbox, {"Key": "subscription date", "Value": "2020/01/02"})

    assert mailing_list.update_custom_field("[subscriptiondate]", "joined on", False) == "[joinedon]"
    assert values(sandbox) == [("joined on", "2020-01-02")]


def test_options_are_replaced_or_kept(mailing_list: Any) -> None:
    mailing_list.create_custom_field("Size", "MultiSelectOne", ["S", "M"])
    mailing_list.update_custom_field_options("[Size]", ["L", "£"], True)
    assert mailing_list.custom_fields()[-1].FieldOptions == ["S", "M", "L", "£"]

    mailing_list.update_custom_field_options("[Size]", ["XL"], False)
    assert mailing_list.custom_fields()[-1].FieldOptions == ["XL"]


def test_deleting_a_field_deletes_its_values(sandbox: RunningSandbox, mailing_list: Any) -> None:
    send(sandbox, {"Key": "[City]", "Value": "Oslo"}, {"Key": "[Language]", "Value": "no"})
    mailing_list.delete_custom_field("[City]")

    assert values(sandbox) == [("Language", "no")]


def test_countries_and_states_bring_their_own_options(mailing_list: Any) -> None:
    mailing_list.create_custom_field("Home", "Country")
    mailing_list.create_custom_field("Where", "USState")

    home, where = mailing_list.custom_fields()[-2:]
    assert "Finland" in home.FieldOptions
    assert "Ohio" in where.FieldOptions


@pytest.mark.parametrize(
    ("name", "data_type", "options", "code"),
    [
        ("", "Text", [], 254),
        ("x" * 101, "Text", [], 254),
        ("city", "Text", [], 255),
        ("Plain", "Text", ["a"], 256),
        ("Choice", "MultiSelectMany", [], 257),
        ("Odd", "Colour", [], 259),
    ],
)
def test_it_refuses_a_bad_definition(
    mailing_list: Any, name: str, data_type: str, options: list[str], code: int
) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        mailing_list.create_custom_field(name, data_type, options)

    assert refusal.value.data.Code == code


@pytest.mark.parametrize("bad_key", ["City", "[Unknown]"])
def test_it_refuses_a_key_without_brackets_or_without_a_field(mailing_list: Any, bad_key: str) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        mailing_list.update_custom_field(bad_key, "Town", True)

    assert refusal.value.data.Code == 253


@pytest.mark.parametrize("spelling", ["[City]", "City", "city", " [city] "])
def test_it_takes_every_spelling_of_a_key(sandbox: RunningSandbox, spelling: str) -> None:
    send(sandbox, {"Key": spelling, "Value": "Oslo"})

    assert values(sandbox) == [("City", "Oslo")]


def test_an_unknown_key_vanishes(sandbox: RunningSandbox) -> None:
    send(sandbox, {"Key": "[Shoe]", "Value": "43"}, {"Key": "[City]", "Value": "Oslo"})

    assert values(sandbox) == [("City", "Oslo")]


def test_what_is_not_sent_stays_and_empty_changes_nothing(sandbox: RunningSandbox) -> None:
    send(sandbox, {"Key": "[City]", "Value": "Oslo"}, {"Key": "[Language]", "Value": "no"})
    send(sandbox, {"Key": "[City]", "Value": ""})
    assert values(sandbox) == [("City", "Oslo"), ("Language", "no")]

    send(sandbox, {"Key": "[City]", "Value": "", "Clear": True})
    assert values(sandbox) == [("Language", "no")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1980/05/17", "1980-05-17"),
        ("1980-5-7", "1980-05-07"),
        ("1980-05-17 12:00:00", "1980-05-17"),
        ("2076/06/06", "2076-06-06"),
        ("2076/06/07", None),
        ("1899/12/31", None),
        ("1980/02/30", None),
        ("yesterday", None),
    ],
)
def test_dates_are_kept_within_range(sandbox: RunningSandbox, sent: str, kept: str | None) -> None:
    send(sandbox, {"Key": "[BirthDate]", "Value": sent})

    assert values(sandbox) == ([("BirthDate", kept)] if kept else [])


def test_a_date_of_zeros_clears(sandbox: RunningSandbox) -> None:
    send(sandbox, {"Key": "[BirthDate]", "Value": "1980/05/17"})
    send(sandbox, {"Key": "[BirthDate]", "Value": "0000-00-00"})

    assert values(sandbox) == []


def test_a_long_text_is_cut(sandbox: RunningSandbox) -> None:
    send(sandbox, {"Key": "[City]", "Value": "x" * 300})

    assert values(sandbox) == [("City", "x" * 250)]


@pytest.mark.parametrize(("sent", "kept"), [("42", "42"), (" -1.5 ", "-1.5"), (7, "7"), ("many", None)])
def test_numbers_must_be_numbers(sandbox: RunningSandbox, mailing_list: Any, sent: Any, kept: str | None) -> None:
    mailing_list.create_custom_field("Visits", "Number")
    send(sandbox, {"Key": "[Visits]", "Value": sent})

    assert values(sandbox) == ([("Visits", kept)] if kept else [])


def test_import_adds_choices_and_clear_takes_them_away(sandbox: RunningSandbox, mailing_list: Any) -> None:
    mailing_list.create_custom_field("Likes", "MultiSelectMany", ["Tea", "Coffee", "Cocoa"])
    send(sandbox, {"Key": "[Likes]", "Value": "tea"}, {"Key": "[Likes]", "Value": "Coffee"})
    send(sandbox, {"Key": "[Likes]", "Value": "Cocoa"}, {"Key": "[Likes]", "Value": "Beer"})
    assert values(sandbox) == [("Likes", "Tea"), ("Likes", "Coffee"), ("Likes", "Cocoa")]

    send(sandbox, {"Key": "[Likes]", "Value": "Coffee", "Clear": True})
    assert values(sandbox) == [("Likes", "Tea"), ("Likes", "Cocoa")]

    send(sandbox, {"Key": "[Likes]", "Value": "", "Clear": True}, {"Key": "[Likes]", "Value": "Coffee"})
    assert values(sandbox) == [("Likes", "Coffee")]


def test_update_replaces_choices(sandbox: RunningSandbox, mailing_list: Any, key: dict[str, str]) -> None:
    mailing_list.create_custom_field("Likes", "MultiSelectMany", ["Tea", "Coffee"])
    send(sandbox, {"Key": "[Likes]", "Value": "Tea"})
    person = createsend.Subscriber(key, sandbox.list_id, "a@example.com")
    person.update("a@example.com", "A", [{"Key": "[Likes]", "Value": "Coffee"}], False, "Yes")

    assert values(sandbox) == [("Likes", "Coffee")]


def test_one_choice_must_be_an_option(sandbox: RunningSandbox, mailing_list: Any) -> None:
    mailing_list.create_custom_field("Size", "MultiSelectOne", ["S", "M"])
    send(sandbox, {"Key": "[Size]", "Value": "m"})
    send(sandbox, {"Key": "[Size]", "Value": "XXL"})

    assert values(sandbox) == [("Size", "M")]
