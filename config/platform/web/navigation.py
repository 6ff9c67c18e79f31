"""The left navigation, as data: groups of entries, each with its address, its icon and who may see it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission


@dataclass(frozen=True)
class Entry:
    """One page in the navigation. ``key`` is what a page calls itself by in ``active_nav``."""

    key: str
    label: str | Promise
    url_name: str
    icon: str
    permission: Permission | None = None


@dataclass(frozen=True)
class Group:
    """Entries under one heading; the first group has none."""

    label: str | Promise
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Link:
    """An entry of the navigation as a user sees it: with its address."""

    key: str
    label: str | Promise
    icon: str
    url: str


GROUPS = (
    Group(
        "",
        (
            Entry("home", _("Home"), "system:home", "house"),
            Entry("customers", _("Customers"), "segments:customers", "users", Permission.CUSTOMER_VIEW),
        ),
    ),
    Group(
        _("Data"),
        (
            Entry("data_sources", _("Data sources"), "segments:data_sources", "database", Permission.SEGMENT_VIEW),
            Entry("exports", _("Exports"), "exports:list", "send", Permission.EXPORT_VIEW),
        ),
    ),
    Group(
        _("Insights"),
        (Entry("segments", _("Segments"), "segments:list", "chart-pie", Permission.SEGMENT_VIEW),),
    ),
    Group(
        _("Admin"),
        (
            Entry("system", _("System"), "system:status", "activity", Permission.SYSTEM_VIEW),
            Entry("permissions", _("Permissions"), "accounts:permissions", "key-round", Permission.USER_MANAGE),
            Entry("connections", _("Connections"), "connections:list", "plug", Permission.CONNECTION_MANAGE),
            Entry("audit", _("Audit"), "audit:list", "scroll-text", Permission.AUDIT_VIEW),
        ),
    ),
)


def groups_for(request: HttpRequest) -> list[tuple[str | Promise, list[Link]]]:
    """What this person sees: headings with their links; groups without any are left out."""
    if not isinstance(request.user, User):
        return []
    user = request.user
    seen = ((group.label, list(_links(group, user))) for group in GROUPS)
    return [(label, links) for label, links in seen if links]


def _links(group: Group, user: User) -> Iterator[Link]:
    for entry in group.entries:
        if entry.permission is not None and not user.may(entry.permission):
            continue
        if url := address(entry.url_name):
            yield Link(entry.key, entry.label, entry.icon, url)


def address(url_name: str) -> str:
    """The address of a page by its name; empty when this installation does not have it."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
