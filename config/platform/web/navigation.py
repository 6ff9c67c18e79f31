"""Define the left navigation as data, and give every page its shell: product name, navigation and theme."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.models import current_installation, organisation_name


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
            Entry("attributes", _("Attributes"), "segments:attributes", "list-tree", Permission.SEGMENT_VIEW),
            Entry("identity", _("Identity"), "segments:identity", "fingerprint-pattern", Permission.SYSTEM_MANAGE),
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


def navigation_for(user: object) -> list[tuple[str | Promise, list[Link]]]:
    """List the navigation that ``user`` may see: headings with their links, without empty groups."""
    if not isinstance(user, User):
        return []
    found = []
    for group in GROUPS:
        seen = [entry for entry in group.entries if entry.permission is None or user.may(entry.permission)]
        if seen:
            links = [Link(entry.key, entry.label, entry.icon, reverse(entry.url_name)) for entry in seen]
            found.append((group.label, links))
    return found


THEMES = ("light", "dark")
PAGE = "base.html"


def shell(request: HttpRequest) -> dict[str, object]:
    """Return the product's name, the navigation, the chosen looks, and what a page must extend to answer htmx with
    nothing but the part that it asked for."""
    target = request.headers.get("HX-Target", "") if request.headers.get("HX-Request") == "true" else ""
    theme = request.COOKIES.get("theme", "")
    return {
        "product_name": settings.PRODUCT_NAME,
        "installation": SimpleLazyObject(lambda: getattr(request, "installation", None) or current_installation()),
        "organisation_name": SimpleLazyObject(organisation_name),
        "demo": settings.DEMO,
        "version": settings.VERSION,
        "theme": theme if theme in THEMES else "auto",
        "nav_collapsed": request.COOKIES.get("nav") == "collapsed",
        "navigation": SimpleLazyObject(lambda: navigation_for(request.user)),
        "list_shell": "components/list_fragment.html" if target == "list" else PAGE,
        "pane_shell": "components/pane_frame.html" if target == "pane" else PAGE,
        "dialog_shell": "components/dialog_frame.html" if target == "dialog" else PAGE,
        "pane_base": "components/pane.html",
        "dialog_base": "components/confirm.html",
    }
