"""The content of the pane, before it is checked."""

from django.http import QueryDict

from connections.destinations.values import TargetField
from exports.forms import draft as forms_draft
from exports.forms.draft import Draft, Pair
from segments.catalog import Attribute
from segments.models import AttributeType

ATTRIBUTES = [
    Attribute("Birth date", AttributeType.DATE),
    Attribute("email", AttributeType.TEXT),
    Attribute("city", AttributeType.TEXT),
]
FIELDS = [
    TargetField("name", "Name", "text"),
    TargetField("[City]", "City", "text"),
    TargetField("[BirthDate]", "BirthDate", "date"),
    TargetField("[Email]", "Email", "text"),
]


def test_it_reads_what_was_posted() -> None:
    draft = forms_draft.read_typed(
        QueryDict(
            "name=N&connection=3&list_id=%20ab%20c%00&email_attribute=email&segments=1&segments=2"
            "&map_attribute=city&map_field=[City]&question_consent_to_track=no&opt_in_mail_accepted=on"
        )
    )
    assert draft == Draft(
        name="N",
        connection="3",
        list_id="abc",
        email_attribute="email",
        segments=["1", "2"],
        mapping=[Pair("city", "[City]")],
        answers={"consent_to_track": "no"},
        opt_in_mail_accepted=True,
    )


def test_it_pairs_what_came_in_unequal_numbers() -> None:
    assert forms_draft.read_typed(QueryDict("map_attribute=a&map_attribute=b&map_field=x")).mapping == [
        Pair("a", "x"),
        Pair("b", ""),
    ]


def test_it_takes_no_more_rows_than_a_list_could_want() -> None:
    assert len(forms_draft.read_typed(QueryDict("map_field=x&" * 500)).mapping) == forms_draft.MAX_ROWS


def test_it_adds_and_removes_rows() -> None:
    draft = Draft(mapping=[Pair("a", "x")]).with_row()
    assert draft.mapping == [Pair("a", "x"), Pair()]
    assert draft.without_row(0).mapping == [Pair()]
    assert draft.without_row(9).mapping == draft.mapping


def test_it_matches_attributes_to_fields_by_name() -> None:
    draft = Draft(email_attribute="email").matched_by_name(ATTRIBUTES, FIELDS)
    assert draft.mapping == [Pair("city", "[City]"), Pair("Birth date", "[BirthDate]")]


def test_it_leaves_fields_alone_that_are_taken() -> None:
    mine = Pair("Birth date", "[City]")
    draft = Draft(mapping=[mine, Pair()]).matched_by_name(ATTRIBUTES, FIELDS[1:2])
    assert draft.mapping == [mine]


def test_it_begins_with_what_there_is_no_choice_about() -> None:
    draft = forms_draft.new_draft(["5"], ATTRIBUTES)
    assert (draft.connection, draft.email_attribute, draft.answers) == ("5", "email", {})
    assert forms_draft.new_draft(["5", "6"], []).connection == ""
