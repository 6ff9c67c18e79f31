"""Which field an attribute could go to, and which options a field lacks."""

import pytest

from connections.destinations.values import TargetField
from exports.views import pane_mapping
from segments.catalog import Attribute
from segments.models import AttributeType

EVERY_TYPE = ("text", "number", "date", "choice", "choices", "country", "state")


def attribute(name: str, data_type: str = "text") -> Attribute:
    return Attribute(name, AttributeType(data_type))


@pytest.mark.parametrize(
    ("data_type", "usual"), [("text", "text"), ("number", "number"), ("date", "date"), ("boolean", "choice")]
)
def test_the_usual_type_follows_the_attribute(data_type: str, usual: str) -> None:
    suggestion = pane_mapping.suggest_field(attribute("some_thing", data_type), "", [], EVERY_TYPE)
    assert suggestion is not None
    made = suggestion.of_type("")
    assert made is not None
    assert (made.label, made.data_type) == ("Some thing", usual)


def test_a_field_that_the_list_lacks_gets_the_name_it_had() -> None:
    suggestion = pane_mapping.suggest_field(attribute("city"), "[HomeTown]", [], EVERY_TYPE)
    assert suggestion is not None
    assert suggestion.label == "HomeTown"


def test_options_are_the_values_that_profiles_have() -> None:
    suggestion = pane_mapping.suggest_field(attribute("likes"), "", ["Tea", "Milk; tea", " Rum "], EVERY_TYPE)
    assert suggestion is not None
    one, several = suggestion.of_type("choice"), suggestion.of_type("choices")
    assert one is not None
    assert several is not None
    assert one.options == ("Tea", "Milk; tea", "Rum")
    assert several.options == ("tea", "Milk", "Rum")


def test_choices_are_not_offered_without_options() -> None:
    suggestion = pane_mapping.suggest_field(attribute("city"), "", [], EVERY_TYPE)
    assert suggestion is not None
    assert [value for value, _label, _options in suggestion.choices] == ["text", "country", "state"]
    assert suggestion.of_type("choice") is None


def test_nothing_is_suggested_where_no_field_can_be_made() -> None:
    assert pane_mapping.suggest_field(attribute("city"), "", [], ()) is None


def test_it_tells_values_that_are_no_options_whatever_their_case() -> None:
    likes = TargetField("[Likes]", "Likes", "choices", ("Tea", "Milk"))
    assert pane_mapping.missing_options(likes, attribute("likes"), ["tea;Rum", "MILK", "rum"]) == ["rum"]
    assert pane_mapping.missing_options(likes, attribute("wants_mail", "boolean"), []) == ["Yes", "No"]


def test_countries_are_the_vendors_business() -> None:
    country = TargetField("[Land]", "Land", "country", ("Finland",))
    assert pane_mapping.missing_options(country, attribute("country"), ["Atlantis"]) == []
