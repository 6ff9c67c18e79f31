"""What makes an export complete."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from connections.destinations.values import ListDetails, ListOptIn, TargetField, UnsubscribeScope
from connections.lookups import Lookup
from connections.models import Connection
from exports.forms import draft as forms_draft
from exports.forms.export_form import Choices, ExportForm
from exports.models import Export
from segments.audience import SegmentSummary
from segments.catalog import Attribute
from segments.models import AttributeType, Segment
from tests.support import exports

pytestmark = pytest.mark.django_db

LIST_ID = "a" * 32


def details(opt_in: ListOptIn = ListOptIn.SINGLE) -> ListDetails:
    fields = [TargetField("name", "Name", "text"), TargetField("[City]", "City", "text")]
    return ListDetails(LIST_ID, "Spring", "Shop", "c", opt_in, UnsubscribeScope.THIS_LIST, 12, fields)


def finding(**answer: Any) -> Callable[[Connection, str], Lookup]:
    return lambda _connection, _list_id: Lookup(**(answer or {"details": details()}))


@pytest.fixture
def connection() -> Connection:
    return exports.sandbox_connection(name="Main")


@pytest.fixture
def segment() -> Segment:
    return Segment.objects.create(name="Everyone", refreshed_at=timezone.now())


@pytest.fixture
def choices(connection: Connection, segment: Segment) -> Choices:
    return Choices(
        connections=[connection],
        attributes=[
            Attribute("city", AttributeType.TEXT),
            Attribute("email", AttributeType.TEXT),
            Attribute("points", AttributeType.NUMBER),
        ],
        segments=[SegmentSummary(segment.pk, segment.name, 3, segment.refreshed_at)],
    )


def form(
    choices: Choices,
    look_up: Callable[[Connection, str], Lookup] | None = None,
    export: Export | None = None,
    **changes: Any,
) -> ExportForm:
    data = QueryDict(mutable=True)
    complete = {
        "name": "Everyone to spring",
        "connection": str(choices.connections[0].pk),
        "list_id": LIST_ID,
        "email_attribute": "email",
        "segments": [str(choices.segments[0].id)],
        "question_consent_to_track": "unchanged",
    }
    for name, value in (complete | changes).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    draft = forms_draft.read_typed(data)
    return ExportForm(data, draft=draft, choices=choices, look_up=look_up or finding(), export=export)


def test_it_accepts_a_complete_export(choices: Choices, segment: Segment) -> None:
    judged = form(choices, map_attribute=["city", "points", ""], map_field=["[City]", "name", ""])
    assert judged.is_valid(), judged.errors
    settings = judged.settings()
    assert settings.list_title == "Spring"
    assert settings.segments == [segment]
    assert settings.mapping == [
        {"attribute": "city", "field": "[City]"},
        {"attribute": "points", "field": "name"},
    ]
    assert settings.answers == {"consent_to_track": "unchanged"}


@pytest.mark.parametrize(
    "field", ["name", "connection", "list_id", "email_attribute", "segments", "question_consent_to_track"]
)
def test_it_asks_for_everything_that_is_required(choices: Choices, field: str) -> None:
    without: dict[str, Any] = {field: []}
    assert list(form(choices, **without).errors) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("connection", "999999"),
        ("email_attribute", "points"),  # a number is no address
        ("email_attribute", "nothing"),
        ("segments", "999999"),
        ("question_consent_to_track", "perhaps"),
        ("name", "x" * 121),
        ("name", "null\x00byte"),
        ("list_id", "x" * 65),
    ],
)
def test_it_refuses_what_is_not_among_the_choices(choices: Choices, field: str, value: str) -> None:
    changed: dict[str, Any] = {field: value}
    assert field in form(choices, **changed).errors


def test_it_refuses_a_name_that_is_taken_whatever_its_case(
    choices: Choices, connection: Connection, segment: Segment
) -> None:
    export = exports.export_to(None, connection, segment, list_id=LIST_ID, name="EVERYONE to spring")
    assert "has the name" in str(form(choices).errors["name"])
    assert form(choices, export=export).is_valid()


@pytest.mark.parametrize(
    ("attribute", "field", "said"),
    [
        ("city", "", "Choose a field"),
        ("", "[City]", "Choose the profile attribute"),
        ("shoe size", "[City]", "no attribute"),
        ("city", "[Town]", "no field"),
    ],
)
def test_it_refuses_a_row_that_leads_nowhere(choices: Choices, attribute: str, field: str, said: str) -> None:
    judged = form(choices, map_attribute=attribute, map_field=field)
    assert not judged.is_valid()
    assert said in judged.mapping_errors[0]


def test_it_refuses_two_attributes_for_one_field(choices: Choices) -> None:
    judged = form(choices, map_attribute=["city", "points"], map_field=["name", "name"])
    assert not judged.is_valid()
    assert list(judged.mapping_errors) == [1]


def test_it_puts_what_the_vendor_says_beside_the_list_id(choices: Choices) -> None:
    judged = form(choices, finding(trouble="Nobody knows this list."))
    assert judged.errors["list_id"] == ["Nobody knows this list."]


def test_it_saves_other_changes_while_the_vendor_is_away(
    choices: Choices, connection: Connection, segment: Segment
) -> None:
    export = exports.export_to(None, connection, segment, list_id=LIST_ID)
    away = finding(trouble="Try again later.", passing=True)
    judged = form(choices, away, export)
    assert judged.is_valid(), judged.errors
    assert judged.settings().list_title == "Newsletter"
    assert "list_id" in form(choices, away, export, list_id="b" * 32).errors
    assert "list_id" in form(choices, away).errors


def test_it_wants_the_emails_of_a_confirmed_list_accepted(choices: Choices) -> None:
    confirmed = finding(details=details(ListOptIn.CONFIRMED))
    assert "opt_in_mail_accepted" in form(choices, confirmed).errors
    judged = form(choices, confirmed, opt_in_mail_accepted="on")
    assert judged.is_valid()
    assert judged.settings().opt_in_mail_accepted
    assert judged.settings().list_confirmed_opt_in


def test_it_keeps_no_acceptance_that_was_not_asked_for(choices: Choices) -> None:
    judged = form(choices, opt_in_mail_accepted="on")
    assert judged.is_valid()
    assert not judged.settings().opt_in_mail_accepted


def test_it_groups_connections_by_type_and_marks_the_sandbox(choices: Choices, connection: Connection) -> None:
    assert choices.grouped_connections == [("Campaign Monitor", [(str(connection.pk), "Main (sandbox)")])]
    assert Choices([], [], []).grouped_connections == []


def test_it_prefers_nothing_in_matters_of_consent(choices: Choices) -> None:
    fresh = ExportForm(draft=forms_draft.new_draft([], []), choices=choices, look_up=finding())
    assert "checked" not in "".join(str(option.tag()) for option, _help in fresh.options[0].choices)


def test_it_lets_an_attribute_answer_for_each_person(choices: Choices) -> None:
    judged = form(choices, question_consent_to_track="attribute", attribute_for_consent_to_track="city")
    assert judged.is_valid(), judged.errors
    assert judged.settings().answers == {"consent_to_track": "attribute:city"}
    assert (
        forms_draft.Draft(answers=dict(judged.settings().answers)).initial()["attribute_for_consent_to_track"]
        == "city"
    )


@pytest.mark.parametrize("attribute", ["", "points", "nowhere"])
def test_it_wants_an_attribute_that_can_answer(choices: Choices, attribute: str) -> None:
    judged = form(choices, question_consent_to_track="attribute", attribute_for_consent_to_track=attribute)
    assert not judged.is_valid()


def test_it_asks_for_consent_to_text_messages_only_with_a_mobile_number(choices: Choices) -> None:
    assert "question_consent_to_send_sms" not in form(choices).fields
    with_mobile = form(choices, map_attribute=["city"], map_field=["mobile_number"])
    assert not with_mobile.is_valid()
    assert "question_consent_to_send_sms" in with_mobile.errors


def test_it_keeps_what_is_not_the_usual_answer(choices: Choices) -> None:
    judged = form(choices, question_blanks="clear", question_automations="off")
    assert judged.is_valid(), judged.errors
    assert judged.settings().answers == {"consent_to_track": "unchanged", "blanks": "clear"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Main", "Main (sandbox)"), ("Campaign Monitor (sandbox)", "Campaign Monitor (sandbox)")],
)
def test_it_names_the_environment_once(choices: Choices, connection: Connection, name: str, shown: str) -> None:
    connection.name = name

    assert [label for _group, options in choices.grouped_connections for _pk, label in options] == [shown]
