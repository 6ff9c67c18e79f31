"""Dates in the time zone of their client, and the clock of the account in that of the account."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.sandbox import RunningSandbox, running_sandbox

SYDNEY = "(GMT+10:00) Canberra, Melbourne, Sydney"
CARACAS = "(GMT-04:30) Caracas"
PERSON = {"EmailAddress": "a@example.com", "ConsentToTrack": "Yes"}


def is_now(written: str, zone: str) -> bool:
    moment = datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone))
    return abs(moment - datetime.now(UTC)) < timedelta(seconds=30)


def in_zone(sandbox: RunningSandbox, time_zone: str) -> Any:
    """Put the client into a time zone."""
    basics = {"CompanyName": "Sandbox client", "Country": "Australia", "TimeZone": time_zone}
    return sandbox.api("PUT", f"/clients/{sandbox.client_id}/setbasics.json", json=basics)


def test_time_zones_are_those_of_the_vendor(sandbox: RunningSandbox) -> None:
    names = sandbox.api("GET", "/timezones.json").json()
    assert (len(names), len(set(names)), names[0]) == (97, 97, "(GMT) Casablanca")
    assert names[-1] == "(GMT-12:00) International Date Line West"
    assert all(in_zone(sandbox, name).status_code == 200 for name in names)


def test_dates_are_in_the_time_zone_of_the_client(sandbox: RunningSandbox) -> None:
    assert in_zone(sandbox, SYDNEY).status_code == 200
    sandbox.import_people([PERSON, {"EmailAddress": "b@example.com"}])
    sandbox.set_state(["b@example.com"], "Unsubscribed")
    for person in (*sandbox.people(), *sandbox.people(state="unsubscribed")):
        assert is_now(person["Date"], "Australia/Sydney")
        assert is_now(person["ListJoinedDate"], "Australia/Sydney")
    (suppressed,) = sandbox.api("GET", f"/clients/{sandbox.client_id}/suppressionlist.json").json()["Results"]
    assert is_now(suppressed["Date"], "Australia/Sydney")
    assert is_now(sandbox.api("GET", "/systemdate.json").json()["SystemDate"], "UTC")
    stats = sandbox.api("GET", f"/lists/{sandbox.list_id}/stats.json").json()
    assert (stats["NewActiveSubscribersToday"], stats["UnsubscribesToday"]) == (1, 1)


def test_the_filter_by_date_is_in_the_time_zone_of_the_client(sandbox: RunningSandbox) -> None:
    in_zone(sandbox, "(GMT-12:00) International Date Line West")
    sandbox.import_people([PERSON])
    today = datetime.now(ZoneInfo("Etc/GMT+12")).date()
    path = f"/lists/{sandbox.list_id}/active.json"
    found = [
        sandbox.api("GET", path, params={"date": str(today + timedelta(days=days))}).json()["RecordsOnThisPage"]
        for days in (0, 1)
    ]
    assert found == [1, 0]


def test_the_clock_of_the_account_is_in_its_own_time_zone(sandbox: RunningSandbox) -> None:
    assert sandbox.door("PUT", "account", json={"time_zone": CARACAS})["time_zone"] == CARACAS
    assert is_now(sandbox.api("GET", "/systemdate.json").json()["SystemDate"], "America/Caracas")
    sandbox.reset()
    assert is_now(sandbox.door("GET", "account")["now"], "UTC")


def test_time_zones_survive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        sandbox.door("PUT", "account", json={"time_zone": CARACAS})
        in_zone(sandbox, SYDNEY)
        sandbox.restart()
        assert sandbox.door("GET", "account")["time_zone"] == CARACAS
        details = sandbox.api("GET", f"/clients/{sandbox.client_id}.json").json()["BasicDetails"]
        assert (details["TimeZone"], details["Country"]) == (SYDNEY, "Australia")


@pytest.mark.parametrize(
    ("change", "code"),
    [({"CompanyName": " "}, 152), ({"Country": "Colombia"}, 154), ({"TimeZone": "Europe/Helsinki"}, 157)],
)
def test_a_client_has_a_name_a_country_and_a_time_zone_of_the_vendor(
    sandbox: RunningSandbox, change: dict[str, str], code: int
) -> None:
    basics = {"CompanyName": "Shop", "Country": "Columbia", "TimeZone": SYDNEY} | change
    for method, path in (("POST", "/clients.json"), ("PUT", f"/clients/{sandbox.client_id}/setbasics.json")):
        answer = sandbox.api(method, path, json=basics)
        assert (answer.status_code, answer.json()["Code"]) == (400, code)
