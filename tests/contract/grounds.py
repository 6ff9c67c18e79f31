"""Where a destination is tried out: for each that is registered a ground, so that one contract holds for all."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pytest_django import Settings

from connections.destinations.values import Access
from tests.support.sandbox import RunningSandbox


class Ground(Protocol):
    """An account to send to, and a look at what has arrived there."""

    access: Access
    unreachable: Access  # no server is there
    answers: Mapping[str, str]  # to the destination's questions
    fields: tuple[str, str]  # keys of two fields of text that a list has
    impossible_lists: tuple[str, ...]

    def make_list(self) -> str:
        """An empty list with the two fields; its id."""
        ...

    def people(self, list_id: str) -> dict[str, tuple[str, str]]:
        """Who is there, by address, with the two fields."""
        ...


class GroundOfOperations(Ground, Protocol):
    """That of a destination that can do more to people than send them."""

    in_a_thousand_years: str  # as its own clock writes it

    def let_unsubscribe(self, list_id: str, email: str) -> None:
        """Let a subscriber unsubscribe from the list."""
        ...

    def has_unsubscribed(self, list_id: str) -> set[str]:
        """Who has."""
        ...


class CampaignMonitorGround:
    """Its sandbox."""

    in_a_thousand_years = "3026-01-01 00:00:00"

    fields = ("name", "[City]")
    answers: Mapping[str, str] = {"consent_to_track": "unchanged"}
    impossible_lists: tuple[str, ...] = ("f" * 32, "", "not a list", "../clients")

    def __init__(self, sandbox: RunningSandbox, settings: Settings, folder: Path) -> None:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
        self._sandbox = sandbox
        self.access = Access(sandbox.url, {"api_key": sandbox.api_key})
        self.unreachable = Access("http://127.0.0.1:9", self.access.credentials)

    def make_list(self) -> str:
        return self._sandbox.create_list("Shop", fields=[("City", "Text")])

    def let_unsubscribe(self, list_id: str, email: str) -> None:
        self._sandbox.set_state([email], "Unsubscribed", list_id)

    def has_unsubscribed(self, list_id: str) -> set[str]:
        return {person["EmailAddress"] for person in self._sandbox.people(list_id, "Unsubscribed")}

    def people(self, list_id: str) -> dict[str, tuple[str, str]]:
        return {
            person["EmailAddress"]: (
                person["Name"],
                next((entry["Value"] for entry in person["CustomFields"] if entry["Key"] == "City"), ""),
            )
            for person in self._sandbox.people(list_id)
        }


class FileGround:
    """A folder."""

    fields = ("first_name", "city")
    answers: Mapping[str, str] = {}
    impossible_lists: tuple[str, ...] = ("", "not a list", "../clients", "UPPER", ".hidden", "a" * 64, "a\n")

    def __init__(self, sandbox: RunningSandbox, settings: Settings, folder: Path) -> None:
        self._folder = folder / "files"
        self.access = Access(self._folder.as_uri(), {}, {"columns": "first_name, city"})
        taken = folder / "taken"
        taken.touch()
        self.unreachable = Access((taken / "files").as_uri(), {}, self.access.options)

    def make_list(self) -> str:
        (self._folder / "shop").mkdir(parents=True)
        return "shop"

    def people(self, list_id: str) -> dict[str, tuple[str, str]]:
        found = {}
        for path in (self._folder / list_id).glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    found[row["email"]] = (row["first_name"], row["city"])
        return found


GROUNDS: dict[str, Callable[[RunningSandbox, Settings, Path], Ground]] = {
    "campaign_monitor": CampaignMonitorGround,
    "file": FileGround,
}
