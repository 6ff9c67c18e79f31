"""What every destination has to hold, whichever it is; each is tried on its own ground (grounds.py)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from pytest_django import Settings

from connections import destinations
from connections.destinations.base import Destination
from connections.destinations.errors import DestinationError, PermanentError
from connections.destinations.values import BatchReceipt, FieldMapping, NewField, SendSettings
from tests.contract.grounds import GROUNDS, Ground
from tests.support.sandbox import RunningSandbox

DESTINATIONS = destinations.all_destinations()


@pytest.fixture(params=DESTINATIONS, ids=lambda destination: destination.key)
def destination(request: pytest.FixtureRequest) -> Destination:
    found = request.param
    assert isinstance(found, Destination)
    return found


@pytest.fixture
def ground(destination: Destination, sandbox: RunningSandbox, settings: Settings, tmp_path: Path) -> Ground:
    return GROUNDS[destination.key](sandbox, settings, tmp_path)


def settings_for(destination: Destination, ground: Ground, list_id: str) -> SendSettings:
    details = destination.list_details(ground.access, list_id)
    mapping = [FieldMapping(key, key) for key in ground.fields]
    return SendSettings(list_id, mapping, ground.answers, details.fields, run="7")


def send(
    destination: Destination, ground: Ground, settings: SendSettings, people: Sequence[tuple[str, list[Any]]]
) -> BatchReceipt:
    """One batch, as a run sends it, and the end of the run."""
    prepare = destination.preparer(settings)
    payloads = [str(prepare(email, values)) for email, values in people]
    with destination.open_sender(ground.access) as sender:
        receipt = sender.send(payloads, settings)
    if destination.capabilities.publishes:
        destination.publish(ground.access, settings)
    return receipt


def test_a_payload_can_be_read_as_the_values_that_it_sends(destination: Destination, ground: Ground) -> None:
    settings = settings_for(destination, ground, ground.make_list())
    values = [f'Łódź, "{number}"' for number, _field in enumerate(ground.fields)]
    payload = destination.preparer(settings)("ann@example.com", values)
    assert destination.sent_values(str(payload), settings) == dict(zip(ground.fields, values, strict=True))


# -- who it is -------------------------------------------------------------------------------------------------


def test_a_destination_has_a_name_a_description_and_an_icon(destination: Destination) -> None:
    assert destination.key.isidentifier()
    assert str(destination.label)
    assert str(destination.description).endswith(".")
    assert finders.find(destination.icon)
    assert urlsplit(destination.live_url).scheme in ("https", "file")
    assert destination.capabilities.batch_rows > 0
    assert destination.capabilities.batch_bytes > 0


def test_it_has_words_for_its_steps_and_lists(destination: Destination) -> None:
    assert destination.authenticate_label
    assert destination.list_id_label
    assert destination.list_id_help.endswith(".")


def test_it_says_what_it_keeps_of_an_erased_person(destination: Destination) -> None:
    assert str(destination.keeps_of_removed).endswith(".")


def test_it_says_of_everything_it_asks_where_to_find_it(destination: Destination) -> None:
    fields = destination.credential_fields()
    assert any(asked.required for asked in fields)
    assert len({asked.name for asked in fields}) == len(fields)
    assert all(asked.label and asked.help_text for asked in fields)


def test_its_questions_have_answers_to_choose(destination: Destination) -> None:
    for question in destination.questions():
        assert len({choice.value for choice in question.choices}) == len(question.choices) > 1
        assert question.is_menu or all(str(choice.help_text) for choice in question.choices)


# -- check -----------------------------------------------------------------------------------------------------


def test_its_check_succeeds_and_learns_what_the_account_is_called(
    destination: Destination, ground: Ground
) -> None:
    steps = destination.check(ground.access)
    assert all(step.ok for step in steps)
    assert {name: value for step in steps for name, value in step.learned.items()}["account_name"]


def test_its_check_says_that_it_is_unreachable(destination: Destination, ground: Ground) -> None:
    first, *others = destination.check(ground.unreachable)
    assert first.ok is False
    assert first.detail.endswith(".")
    assert {step.ok for step in others} == {None}


# -- lists -----------------------------------------------------------------------------------------------------


def test_it_names_its_lists(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    found = {summary.list_id: summary.title for summary in destination.lists(ground.access)}
    assert found[list_id]


def test_it_tells_all_of_a_list(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    details = destination.list_details(ground.access, list_id)
    assert details.list_id == list_id
    assert details.title
    assert set(ground.fields) <= {field.key for field in details.fields}


def test_it_stops_at_a_list_that_cannot_be(destination: Destination, ground: Ground) -> None:
    for list_id in ground.impossible_lists:
        with pytest.raises(PermanentError) as caught:
            destination.list_details(ground.access, list_id)
        assert caught.value.sentence.endswith(".")


# -- fields of a list ------------------------------------------------------------------------------------------


def test_it_makes_fields_of_every_type_that_it_names(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    if not destination.capabilities.creates_fields:
        with pytest.raises(NotImplementedError):
            destination.create_field(ground.access, list_id, NewField("New", "text"))
        return
    for data_type in destination.capabilities.creates_fields:
        options = ("A", "B") if data_type in ("choice", "choices") else ()
        made = destination.create_field(ground.access, list_id, NewField(f"A {data_type}", data_type, options))
        fields = {field.key: field for field in destination.list_details(ground.access, list_id).fields}
        assert (fields[made.key].label, fields[made.key].data_type) == (f"A {data_type}", data_type)
        assert not options or fields[made.key].options == options


def test_it_stops_at_a_field_that_cannot_be_made(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    for data_type in destination.capabilities.creates_fields[:1]:
        destination.create_field(ground.access, list_id, NewField("Once", data_type))
        for label in ("Once", "", "x" * 101):
            with pytest.raises(PermanentError) as caught:
                destination.create_field(ground.access, list_id, NewField(label, data_type))
            assert caught.value.sentence.endswith(".")


def test_it_adds_options_to_those_that_a_field_has(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    if "choice" not in destination.capabilities.creates_fields:
        with pytest.raises(NotImplementedError):
            destination.add_options(ground.access, list_id, "[Tier]", ["A"])
        return
    key = destination.create_field(ground.access, list_id, NewField("Tier", "choice", ("A",))).key
    destination.add_options(ground.access, list_id, key, ["B", "Zoë"])
    fields = {field.key: field for field in destination.list_details(ground.access, list_id).fields}
    assert fields[key].options == ("A", "B", "Zoë")
    with pytest.raises(PermanentError):
        destination.add_options(ground.access, list_id, "[Gone]", ["A"])


# -- send ------------------------------------------------------------------------------------------------------


def test_it_sends_people_with_their_fields(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    people: list[tuple[str, list[Any]]] = [
        ("zoe+tag@example.com", ["Zoë “Z” Ö, the first", "Kraków"]),
        ("li@example.com", ["李雷", None]),
    ]
    receipt = send(destination, ground, settings_for(destination, ground, list_id), people)
    assert (receipt.new, receipt.existing, receipt.unaccounted, list(receipt.refusals)) == (2, 0, 0, [])
    assert ground.people(list_id) == {
        "zoe+tag@example.com": ("Zoë “Z” Ö, the first", "Kraków"),
        "li@example.com": ("李雷", ""),
    }


def test_a_full_batch_passes_and_no_contact_is_there_twice(destination: Destination, ground: Ground) -> None:
    list_id = ground.make_list()
    settings = settings_for(destination, ground, list_id)
    people: list[tuple[str, list[Any]]] = [
        (f"person{n}@example.com", ["", ""]) for n in range(destination.capabilities.batch_rows)
    ]
    for _again in range(2):
        receipt = send(destination, ground, settings, people)
        assert receipt.new + receipt.existing == len(people)
        assert len(ground.people(list_id)) == len(people)


def test_it_names_trouble_by_what_happens_next(destination: Destination, ground: Ground) -> None:
    settings = settings_for(destination, ground, ground.make_list())
    payload = str(destination.preparer(settings)("a@example.com", ["", ""]))
    with destination.open_sender(ground.unreachable) as sender, pytest.raises(DestinationError) as caught:
        sender.send([payload], settings)
    assert caught.value.sentence.endswith(".")
    assert caught.value.code
