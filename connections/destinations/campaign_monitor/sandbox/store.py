"""The account: everything in memory, every change in the journal before it is answered.

Memory, because an import of a thousand people must cost a few milliseconds; a journal rather than a database,
because random addresses touch a thousand pages of any index, but only one place of a file that grows at its end.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connections.destinations.campaign_monitor.sandbox import defaults
from connections.destinations.campaign_monitor.sandbox.journal import Entry, Journal
from connections.destinations.campaign_monitor.sandbox.model import (
    UTC_ZONE,
    Authorization,
    Client,
    CustomField,
    MailingList,
    Person,
    Suppression,
    Token,
    Webhook,
    key_of,
)

_ROWS_PER_LINE = 5_000
_WORTH_COMPACTING = 64 * 1024 * 1024


class Change:
    """What one call changes; handed out by ``Store.change`` and kept when that block ends."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def client(self, client: Client) -> None:
        self.entries.append(["client", _client_settings(client)])

    def client_gone(self, client: Client) -> None:
        self.entries.append(["client gone", client.id])

    def list(self, mailing_list: MailingList) -> None:
        self.entries.append(["list", _list_settings(mailing_list)])

    def list_gone(self, mailing_list: MailingList) -> None:
        self.entries.append(["list gone", mailing_list.id])

    def people(self, mailing_list: MailingList, people: Iterable[Person]) -> None:
        mailing_list.generation += 1
        self.entries.append(["people", mailing_list.id, [person.row() for person in people]])

    def address_gone(self, mailing_list: MailingList, key: str) -> None:
        mailing_list.generation += 1
        self.entries.append(["address gone", mailing_list.id, key])

    def suppressed(self, client: Client, suppressions: Iterable[Suppression]) -> None:
        rows = [[each.email, each.reason, each.date] for each in suppressions]
        if rows:
            self.entries.append(["suppressed", client.id, rows])

    def unsuppressed(self, client: Client, key: str) -> None:
        self.entries.append(["unsuppressed", client.id, key])

    def time_zone(self, name: str) -> None:
        self.entries.append(["time zone", name])

    def token(self, token: Token) -> None:
        self.entries.append(["token", asdict(token)])

    def authorization(self, authorization: Authorization) -> None:
        self.entries.append(["authorization", asdict(authorization)])

    def authorization_gone(self, authorization: Authorization) -> None:
        self.entries.append(["authorization gone", authorization.refresh_token])


class Store:
    """One account with all that is in it. Take ``lock`` to read more than one thing at once."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.clients: dict[str, Client] = {}
        self.lists: dict[str, MailingList] = {}
        self.tokens: dict[str, Token] = {}
        self.authorizations: dict[str, Authorization] = {}
        self.api_key = defaults.API_KEY
        self.time_zone = UTC_ZONE  # of the account
        self._journal = Journal(path)
        self._load()

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Alone with the store; what the change names is in the file when the block ends."""
        with self.lock:
            change = Change()
            yield change
            if change.entries:
                self._journal.write(change.entries)

    def lists_of(self, client_id: str) -> list[MailingList]:
        """A client's lists, by title."""
        mine = [each for each in self.lists.values() if each.client_id == client_id]
        return sorted(mine, key=lambda each: each.title.lower())

    def reset(self) -> None:
        """As on the first day."""
        with self.lock:
            self._empty()
            self._make_fresh()
            self._journal.begin_again(self._lines())

    def close(self) -> None:
        self._journal.close()

    def _load(self) -> None:
        for entries in self._journal.read():
            for entry in entries:
                self._replay(entry)
        for mailing_list in self.lists.values():
            mailing_list.recount()
        if not self.clients:
            self._make_fresh()
            self._journal.begin_again(self._lines())
        elif self._journal.size > _WORTH_COMPACTING:
            self._journal.begin_again(self._lines())

    def _empty(self) -> None:
        for known in (self.clients, self.lists, self.tokens, self.authorizations):
            known.clear()
        self.time_zone = UTC_ZONE

    def _make_fresh(self) -> None:
        client, mailing_list = defaults.client(), defaults.newsletter()
        self.clients[client.id] = client
        self.lists[mailing_list.id] = mailing_list

    def _lines(self) -> Iterator[list[Entry]]:
        """The shortest journal that says the same."""
        settings = Change()
        if self.time_zone != UTC_ZONE:
            settings.time_zone(self.time_zone)
        for client in self.clients.values():
            settings.client(client)
            settings.suppressed(client, client.suppressions.values())
        for mailing_list in self.lists.values():
            settings.list(mailing_list)
        for token in self.tokens.values():
            settings.token(token)
        for authorization in self.authorizations.values():
            settings.authorization(authorization)
        yield settings.entries
        for mailing_list in self.lists.values():
            people = list(mailing_list.people.values())
            for start in range(0, len(people), _ROWS_PER_LINE):
                rows = [person.row() for person in people[start : start + _ROWS_PER_LINE]]
                yield [["people", mailing_list.id, rows]]

    def _replay(self, entry: Entry) -> None:
        match entry:
            case ["people", list_id, rows]:
                self._replay_people(self.lists[list_id], rows)
            case ["address gone", list_id, key]:
                del self.lists[list_id].people[key]
            case ["client", settings]:
                self._replay_client(settings)
            case ["client gone", client_id]:
                del self.clients[client_id]
            case ["list", settings]:
                self._replay_list(settings)
            case ["list gone", list_id]:
                del self.lists[list_id]
            case ["suppressed", client_id, rows]:
                self.clients[client_id].suppressions |= {key_of(row[0]): Suppression(*row) for row in rows}
            case ["unsuppressed", client_id, key]:
                del self.clients[client_id].suppressions[key]
            case ["time zone", name]:
                self.time_zone = name
            case ["token" | "authorization" | "authorization gone", value]:
                self._replay_access(entry[0], value)
            case _:
                raise ValueError(f"The sandbox's file says something that this version does not know: {entry[0]}")

    def _replay_access(self, what: str, value: Any) -> None:
        match what:
            case "token":
                self.tokens[value["token"]] = Token(**value)
            case "authorization":
                self.authorizations[value["refresh_token"]] = Authorization(**value)
            case _:
                del self.authorizations[value]

    def _replay_people(self, mailing_list: MailingList, rows: list[list[Any]]) -> None:
        shared: dict[Any, Any] = {}
        for row in rows:
            arrivals = tuple(map(tuple, row[8]))
            row[8] = shared.setdefault(arrivals, arrivals)
            mailing_list.people[key_of(row[0])] = Person(*row)

    def _replay_client(self, settings: dict[str, Any]) -> None:
        known = self.clients.get(settings["id"])
        suppressions = known.suppressions if known else {}
        self.clients[settings["id"]] = Client(**settings, suppressions=suppressions)

    def _replay_list(self, settings: dict[str, Any]) -> None:
        fields = {each["id"]: CustomField(**each) for each in settings.pop("fields")}
        webhooks = {each["id"]: Webhook(**each) for each in settings.pop("webhooks")}
        renewed = MailingList(**settings, fields=fields, webhooks=webhooks)
        if known := self.lists.get(renewed.id):
            renewed.people = known.people
        self.lists[renewed.id] = renewed


def _client_settings(client: Client) -> dict[str, Any]:
    names = ("id", "name", "country", "time_zone", "api_key")
    return {name: getattr(client, name) for name in names}


def _list_settings(mailing_list: MailingList) -> dict[str, Any]:
    names = (
        *("id", "client_id", "title", "unsubscribe_page", "confirmation_page"),
        *("confirmed_opt_in", "unsubscribe_setting", "next_field"),
    )
    settings: dict[str, Any] = {name: getattr(mailing_list, name) for name in names}
    settings["fields"] = [asdict(each) for each in mailing_list.fields.values()]
    settings["webhooks"] = [asdict(each) for each in mailing_list.webhooks.values()]
    return settings
