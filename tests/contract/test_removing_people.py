"""Taking one person off a list, by every destination that says that it can."""

from pathlib import Path

import pytest
from pytest_django import Settings

from connections import destinations
from connections.destinations.base import Destination
from connections.destinations.errors import NeedsAdministrator, PermanentError, TryLater
from connections.destinations.values import Access, FieldMapping, SendSettings
from tests.contract.grounds import GROUNDS, Ground
from tests.support.sandbox import RunningSandbox

ABLE = [each for each in destinations.all_destinations() if each.capabilities.removes_people]


@pytest.fixture(params=ABLE, ids=lambda each: each.key)
def destination(request: pytest.FixtureRequest) -> Destination:
    found = request.param
    assert isinstance(found, Destination)
    return found


@pytest.fixture
def ground(destination: Destination, sandbox: RunningSandbox, settings: Settings, tmp_path: Path) -> Ground:
    return GROUNDS[destination.key](sandbox, settings, tmp_path)


@pytest.fixture
def filled_list(destination: Destination, ground: Ground) -> str:
    """Ann and Ben+1 are on it."""
    list_id = ground.make_list()
    details = destination.list_details(ground.access, list_id)
    mapping = [FieldMapping("first_name", ground.fields[0])]
    settings = SendSettings(list_id, mapping, ground.answers, details.fields)
    prepare = destination.preparer(settings)
    with destination.open_sender(ground.access) as sender:
        people = [("ann@example.com", ["Ann"]), ("ben+1@example.com", ["Ben"])]
        sender.send([str(prepare(email, values)) for email, values in people], settings)
    return list_id


def test_it_takes_exactly_that_person_off_the_list(
    destination: Destination, ground: Ground, filled_list: str
) -> None:
    assert destination.remove_person(ground.access, filled_list, "ben+1@example.com") is True
    assert list(ground.people(filled_list)) == ["ann@example.com"]


def test_it_says_when_the_list_does_not_hold_them(
    destination: Destination, ground: Ground, filled_list: str
) -> None:
    assert destination.remove_person(ground.access, filled_list, "nobody@example.com") is False
    assert destination.remove_person(ground.access, filled_list, "not an address") is False
    assert len(ground.people(filled_list)) == 2


def test_it_says_what_it_keeps(destination: Destination) -> None:
    assert str(destination.keeps_of_removed).endswith(".")


def test_it_says_what_happens_next_when_it_cannot(
    destination: Destination, ground: Ground, filled_list: str
) -> None:
    with pytest.raises(TryLater):
        destination.remove_person(ground.unreachable, filled_list, "ann@example.com")
    with pytest.raises(PermanentError):
        destination.remove_person(ground.access, "f" * 32, "ann@example.com")
    with pytest.raises(NeedsAdministrator):
        destination.remove_person(
            Access(ground.access.base_url, {"api_key": "wrong"}), filled_list, "ann@example.com"
        )


def test_campaign_monitor_keeps_the_record_in_state_deleted(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    destination, access = destinations.get("campaign_monitor"), Access(sandbox.url, {"api_key": sandbox.api_key})
    sandbox.api(
        "POST",
        f"/subscribers/{sandbox.list_id}.json",
        json={"EmailAddress": "ann@example.com", "ConsentToTrack": "No"},
    )
    destination.remove_person(access, sandbox.list_id, "ann@example.com")
    assert [each["EmailAddress"] for each in sandbox.people(state="deleted")] == ["ann@example.com"]
