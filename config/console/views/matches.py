"""Find pages, commands, exports, segments, data sources and connections by words, as far as a user may see them.

Customers are not searched here: a match would show who is a customer. The results lead to the search of customers,
which masks and records.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Model
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.console import help_pages, views
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.navigation import navigation_for
from connections.models import Connection
from exports.models import Export
from segments.models import DataSource, Segment

LONGEST_SEARCH: Final = 100
# So many matches of a kind are shown; further words narrow them down.
MOST: Final = 6


class Kind(StrEnum):
    """What a match is, in the order of the results."""

    COMMAND = "command"
    EXPORT = "export"
    SEGMENT = "segment"
    SOURCE = "source"
    CONNECTION = "connection"
    PAGE = "page"
    HELP = "help"
    CUSTOMER = "customer"


LABELS: Final[dict[Kind, Promise]] = {
    Kind.COMMAND: gettext_lazy("Commands"),
    Kind.EXPORT: gettext_lazy("Exports"),
    Kind.SEGMENT: gettext_lazy("Segments"),
    Kind.SOURCE: gettext_lazy("Data sources"),
    Kind.CONNECTION: gettext_lazy("Connections"),
    Kind.PAGE: gettext_lazy("Pages"),
    Kind.HELP: gettext_lazy("Help"),
    Kind.CUSTOMER: gettext_lazy("Customers"),
}


@dataclass(frozen=True)
class Match:
    """A page or a command with its address."""

    kind: Kind
    label: str
    url: str
    icon: str


@dataclass(frozen=True)
class MatchGroup:
    """The matches of one kind."""

    label: str
    matches: Sequence[Match]


@dataclass(frozen=True)
class Command:
    """A command of the product. ``words`` are other names that users search for."""

    label: str | Promise
    url_name: str
    permission: Permission
    icon: str = "plus"
    words: Sequence[str | Promise] = ()


COMMANDS: Final = (
    Command(
        gettext_lazy("Add destination"),
        "exports:add",
        Permission.EXPORT_MANAGE,
        words=(gettext_lazy("Add export"), gettext_lazy("New export")),
    ),
    Command(
        gettext_lazy("New segment"),
        "segments:add",
        Permission.SEGMENT_MANAGE,
        words=(gettext_lazy("Add segment"),),
    ),
    Command(gettext_lazy("Import file"), "segments:upload", Permission.DATA_SOURCE_MANAGE, "upload"),
    Command(gettext_lazy("Add user"), "accounts:add_user", Permission.USER_MANAGE),
    Command(gettext_lazy("Find a contact"), "exports:person", Permission.PERSONAL_DATA_SEE, "search"),
)


@dataclass(frozen=True)
class _Stored:
    """Rows with a name that can be found. ``url_name`` is the page of one; without a page of its own, it is found
    by the search of the list ``list_url_name``."""

    kind: Kind
    model: type[Model]
    permission: Permission
    icon: str
    url_name: str = ""
    list_url_name: str = ""

    def url_of(self, pk: int, name: str) -> str:
        if self.url_name:
            return reverse(self.url_name, args=[pk])
        return f"{reverse(self.list_url_name)}?{urlencode({'q': name})}"


_STORED: Final = (
    _Stored(Kind.EXPORT, Export, Permission.EXPORT_VIEW, "send", "exports:runs"),
    _Stored(Kind.SEGMENT, Segment, Permission.SEGMENT_VIEW, "chart-pie", "segments:detail"),
    _Stored(Kind.SOURCE, DataSource, Permission.SEGMENT_VIEW, "database", list_url_name="segments:data_sources"),
    _Stored(Kind.CONNECTION, Connection, Permission.CONNECTION_MANAGE, "plug", "connections:edit"),
)


def find(words: str, user: User) -> list[MatchGroup]:
    """Find what has all of these words, by kind. Without words, return the commands and the pages."""
    wanted = _plain(words).split()
    found = [*_commands(wanted, user), *_pages(wanted, user)]
    if wanted:
        found += [match for stored in _STORED if user.may(stored.permission) for match in _rows(stored, words)]
        found += [*_help(wanted), *_customers(words, user)]
    groups = [(kind, [match for match in found if match.kind is kind]) for kind in Kind]
    return [MatchGroup(str(LABELS[kind]), matches) for kind, matches in groups if matches]


def _commands(wanted: Sequence[str], user: User) -> Iterable[Match]:
    for command in COMMANDS:
        if user.may(command.permission) and _has_all(wanted, command.label, *command.words):
            yield Match(Kind.COMMAND, str(command.label), reverse(command.url_name), command.icon)


def _pages(wanted: Sequence[str], user: User) -> Iterable[Match]:
    for _heading, links in navigation_for(user):
        for link in links:
            if _has_all(wanted, link.label):
                yield Match(Kind.PAGE, str(link.label), link.url, link.icon)
    if wanted:
        for label, url in views.tabs_of(user):
            if _has_all(wanted, _("System"), label):
                yield Match(Kind.PAGE, f"{_('System')} › {label}", url, "activity")


def _help(wanted: Sequence[str]) -> Iterable[Match]:
    for page, label in help_pages.PAGES.items():
        if _has_all(wanted, _("Help"), label):
            yield Match(Kind.HELP, str(label), reverse("system:help", args=[page]), "circle-question-mark")


def _rows(stored: _Stored, words: str) -> Iterable[Match]:
    rows = stored.model._default_manager.all()
    for word in words.split():
        rows = rows.filter(name__icontains=word)
    for pk, name in rows.order_by("name").values_list("pk", "name")[:MOST]:
        yield Match(stored.kind, name, stored.url_of(pk, name), stored.icon)


def _customers(words: str, user: User) -> Iterable[Match]:
    if user.may(Permission.CUSTOMER_VIEW):
        url = f"{reverse('segments:customers')}?{urlencode({'q': words})}"
        yield Match(Kind.CUSTOMER, _("Search customers for “%(words)s”") % {"words": words}, url, "users")


def _has_all(wanted: Sequence[str], *labels: str | Promise) -> bool:
    text = _plain(" ".join(map(str, labels)))
    return all(word in text for word in wanted)


def _plain(text: str) -> str:
    """Return a text in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
