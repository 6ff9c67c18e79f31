"""Store the account in memory, with a journal of every change, written before the change is answered.

Memory, because an import of 1,000 rows must take a few milliseconds; a journal rather than a database, because
random addresses touch a thousand pages of any index, but only the end of a file. A line of the journal is a JSON
array of entries, each with the new state of something, so that replaying the lines restores the store. An
incomplete last line belongs to a change that was never answered, and is cut off. Lines survive `kill -9`; they are
not synced, so a power cut may lose the last seconds.
"""

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from connections.destinations.campaign_monitor.sandbox import model
from connections.destinations.campaign_monitor.sandbox.campaigns import Campaign
from connections.destinations.campaign_monitor.sandbox.model import (
    UTC_ZONE,
    Authorization,
    Client,
    CustomField,
    MailingList,
    Subscriber,
    Suppression,
    Token,
    Webhook,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.webhook_calls import WebhookCalls

_ROWS_PER_LINE = 5_000
_WORTH_COMPACTING = 64 * 1024 * 1024
Entry = list[Any]


class FileInUse(Exception):
    """Report that another sandbox uses the same journal file."""


class Journal:
    """The open journal file, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_descriptor = _locked(path.with_name(path.name + ".lock"))
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0

    def read(self) -> Iterator[list[Entry]]:
        """Iterate over all changes, the oldest first."""
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                yield orjson.loads(line)
                self.size += len(line)
        os.ftruncate(self._descriptor, self.size)

    def write(self, entries: list[Entry]) -> None:
        """Append a change, all of it or nothing."""
        line = orjson.dumps(entries, option=orjson.OPT_APPEND_NEWLINE)
        _write_all(self._descriptor, line)
        self.size += len(line)

    def rewrite(self, changes: Iterable[list[Entry]]) -> None:
        """Replace the journal; if killed meanwhile, the old one stays."""
        beside = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        size = 0
        for entries in changes:
            line = orjson.dumps(entries, option=orjson.OPT_APPEND_NEWLINE)
            _write_all(descriptor, line)
            size += len(line)
        beside.replace(self.path)
        os.close(self._descriptor)
        self._descriptor, self.size = descriptor, size

    def close(self) -> None:
        os.close(self._descriptor)
        os.close(self._lock_descriptor)


class Change:
    """Collects the journal entries of one call; ``Store.change`` creates and writes it."""

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

    def subscribers(self, mailing_list: MailingList, subscribers: Iterable[Subscriber]) -> None:
        mailing_list.generation += 1
        self.entries.append(["people", mailing_list.id, [subscriber.row() for subscriber in subscribers]])

    def address_gone(self, mailing_list: MailingList, key: str) -> None:
        mailing_list.generation += 1
        self.entries.append(["address gone", mailing_list.id, key])

    def suppressed(self, client: Client, suppressions: Iterable[Suppression]) -> None:
        rows = [[each.email, each.reason, each.date] for each in suppressions]
        if rows:
            self.entries.append(["suppressed", client.id, rows])

    def unsuppressed(self, client: Client, key: str) -> None:
        self.entries.append(["unsuppressed", client.id, key])

    def campaign(self, campaign: Campaign) -> None:
        self.entries.append(["campaign", asdict(campaign)])

    def time_zone(self, name: str) -> None:
        self.entries.append(["time zone", name])

    def token(self, token: Token) -> None:
        self.entries.append(["token", asdict(token)])

    def authorization(self, authorization: Authorization) -> None:
        self.entries.append(["authorization", asdict(authorization)])

    def authorization_gone(self, authorization: Authorization) -> None:
        self.entries.append(["authorization gone", authorization.refresh_token])


class Store:
    """The account with everything in it. Take ``lock`` to read several things consistently."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.clients: dict[str, Client] = {}
        self.lists: dict[str, MailingList] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.tokens: dict[str, Token] = {}
        self.authorizations: dict[str, Authorization] = {}
        self.api_key = model.API_KEY
        self.webhook_calls = WebhookCalls()
        self.time_zone = UTC_ZONE  # of the account
        self._journal = Journal(path)
        self._load()

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Lock the store; when the block ends, its journal entries are written and webhooks are called."""
        with self.lock:
            change = Change()
            yield change
            if change.entries:
                self._journal.write(change.entries)
            for mailing_list in self.lists.values():
                if mailing_list.noted:
                    noted, mailing_list.noted = mailing_list.noted, []
                    self.webhook_calls.notify(mailing_list, noted)

    def lists_of(self, client_id: str) -> list[MailingList]:
        """Return the lists of a client by title."""
        mine = [each for each in self.lists.values() if each.client_id == client_id]
        return sorted(mine, key=lambda each: each.title.lower())

    def reset(self) -> None:
        """Reset the account to a fresh one."""
        with self.lock:
            self._empty()
            self._make_fresh()
            self._journal.rewrite(self._lines())

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
            self._journal.rewrite(self._lines())
        elif self._journal.size > _WORTH_COMPACTING:
            self._journal.rewrite(self._lines())

    def _empty(self) -> None:
        for known in (self.clients, self.lists, self.campaigns, self.tokens, self.authorizations):
            known.clear()
        self.time_zone = UTC_ZONE

    def _make_fresh(self) -> None:
        client, mailing_list = model.default_client(), model.default_list()
        self.clients[client.id] = client
        self.lists[mailing_list.id] = mailing_list

    def _lines(self) -> Iterator[list[Entry]]:
        """Iterate over the shortest journal with the same content."""
        settings = Change()
        if self.time_zone != UTC_ZONE:
            settings.time_zone(self.time_zone)
        for client in self.clients.values():
            settings.client(client)
            settings.suppressed(client, client.suppressions.values())
        for mailing_list in self.lists.values():
            settings.list(mailing_list)
        for campaign in self.campaigns.values():
            settings.campaign(campaign)
        for token in self.tokens.values():
            settings.token(token)
        for authorization in self.authorizations.values():
            settings.authorization(authorization)
        yield settings.entries
        for mailing_list in self.lists.values():
            subscribers = list(mailing_list.subscribers.values())
            for start in range(0, len(subscribers), _ROWS_PER_LINE):
                rows = [subscriber.row() for subscriber in subscribers[start : start + _ROWS_PER_LINE]]
                yield [["people", mailing_list.id, rows]]

    def _replay(self, entry: Entry) -> None:
        match entry:
            case ["people", list_id, rows]:
                self._replay_people(self.lists[list_id], rows)
            case ["address gone", list_id, key]:
                del self.lists[list_id].subscribers[key]
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
            case ["campaign", settings]:
                self.campaigns[settings["id"]] = Campaign(**settings)
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
            mailing_list.subscribers[key_of(row[0])] = Subscriber(*row)

    def _replay_client(self, settings: dict[str, Any]) -> None:
        known = self.clients.get(settings["id"])
        suppressions = known.suppressions if known else {}
        self.clients[settings["id"]] = Client(**settings, suppressions=suppressions)

    def _replay_list(self, settings: dict[str, Any]) -> None:
        fields = {each["id"]: CustomField(**each) for each in settings.pop("fields")}
        webhooks = {each["id"]: Webhook(**each) for each in settings.pop("webhooks")}
        renewed = MailingList(**settings, fields=fields, webhooks=webhooks)
        if known := self.lists.get(renewed.id):
            renewed.subscribers = known.subscribers
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


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FileInUse(
            f"Another sandbox stores its lists beside {path}. Stop it, or choose another --file."
        ) from error
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
