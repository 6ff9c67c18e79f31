"""From an export's settings to what a run sends by: exactly what changes the list changes the hash of all
contacts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connections import destinations
from connections.destinations.values import ListDetails, ListOptIn, TargetField, UnsubscribeScope
from connections.models import Connection
from exports.models import Export
from exports.models.snapshot import RunSnapshot
from exports.state import run_settings

pytestmark = pytest.mark.django_db

FIELDS = [
    TargetField("name", "Name", "text"),
    TargetField("mobile_number", "Mobile number", "mobile"),
    TargetField("[City]", "City", "text"),
    TargetField("[Likes]", "Likes", "choices", ("Tea", "Milk")),
]
DETAILS = ListDetails("list", "Spring", "", "", ListOptIn.SINGLE, UnsubscribeScope.THIS_LIST, 0, FIELDS)
NAME = {"attribute": "first_name", "field": "name"}
CITY = {"attribute": "city", "field": "[City]"}
LIKES = {"attribute": "likes", "field": "[Likes]"}
MOBILE = {"attribute": "mobile", "field": "mobile_number"}


@pytest.fixture
def connection() -> Connection:
    return Connection.objects.create(name="Main", destination_key="campaign_monitor", environment="sandbox")


@pytest.fixture
def freeze(connection: Connection) -> Any:
    def take(mapping: Sequence[Mapping[str, str]] = (NAME,), **answers: str) -> RunSnapshot:
        export, _created = Export.objects.get_or_create(
            name="Spring", connection=connection, list_id="list", email_attribute="email"
        )
        export.mapping, export.answers = list(mapping), {"consent_to_track": "yes"} | answers
        return run_settings.freeze(export, DETAILS)

    return take


def hashed(snapshot: RunSnapshot) -> tuple[str, str]:
    """Compute what goes into the hash of a contact without, and of one with a blank value."""
    return run_settings.what_changes_the_list(snapshot), run_settings.what_changes_blanks(snapshot)


def test_the_usual_answers_are_filled_in_and_change_nothing(freeze: Any) -> None:
    assert freeze().answers == {
        "consent_to_track": "yes",
        "unusable_values": "leave_out",
        "option_separator": "detect",
        "blanks": "keep",
        "automations": "off",
    }
    assert hashed(freeze()) == hashed(freeze(blanks="keep", automations="off"))
    assert run_settings.what_changes_blanks(freeze()) == ""


def test_the_order_of_the_rows_changes_nothing(freeze: Any) -> None:
    assert freeze((NAME, CITY)).mapping == freeze((CITY, NAME)).mapping
    assert hashed(freeze((NAME, CITY))) == hashed(freeze((CITY, NAME)))


def test_automations_change_nothing_for_people_who_are_on_the_list(freeze: Any) -> None:
    assert hashed(freeze(automations="returning")) == hashed(freeze())


def test_consent_changes_everybody(freeze: Any) -> None:
    assert hashed(freeze(consent_to_track="no"))[0] != hashed(freeze())[0]


def test_another_field_changes_everybody(freeze: Any) -> None:
    assert hashed(freeze((NAME, CITY)))[0] != hashed(freeze())[0]


def test_clearing_blanks_changes_contacts_with_a_blank(freeze: Any) -> None:
    all_contacts, blanks = hashed(freeze(blanks="clear"))
    assert all_contacts == hashed(freeze())[0]
    assert blanks


def test_clearing_blanks_changes_everybody_where_options_are_taken_away_too(freeze: Any) -> None:
    all_contacts, blanks = hashed(freeze((NAME, LIKES), blanks="clear"))
    assert all_contacts != hashed(freeze((NAME, LIKES)))[0]
    assert blanks == ""


def test_consent_to_text_messages_is_asked_with_a_mobile_number_alone(freeze: Any) -> None:
    assert "consent_to_send_sms" not in freeze(consent_to_send_sms="yes").answers
    assert freeze((MOBILE,), consent_to_send_sms="yes").answers["consent_to_send_sms"] == "yes"
    questions = destinations.get("campaign_monitor").questions()
    export = Export(mapping=[MOBILE], answers={"consent_to_track": "attribute:tracking"})
    assert run_settings.unanswered(export, questions) == ["Consent to send SMS"]
