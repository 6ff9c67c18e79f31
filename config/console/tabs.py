"""Define the tabs of Admin > System as data. A new tab is one line here, a view, and a template that extends
system/page.html."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission


@dataclass(frozen=True)
class Tab:
    """One tab: what it is called, where it is, and what it takes to see it."""

    key: str
    label: str | Promise
    url_name: str
    permission: Permission = Permission.SYSTEM_VIEW


TABS = (
    Tab("status", _("Status"), "system:status"),
    Tab("schedule", _("Schedule"), "system:schedule"),
    Tab("api_usage", _("API usage"), "system:api_usage", Permission.CONNECTION_MANAGE),
    Tab("notifications", _("Notifications"), "system:notifications", Permission.SYSTEM_MANAGE),
    Tab("general", _("General"), "system:general"),
    Tab("about", _("About"), "system:about"),
)


def frame(user: User, current: str) -> dict[str, object]:
    """Return the context of every page under Admin > System; ``current`` is the key of its tab."""
    seen = [tab for tab in TABS if user.may(tab.permission)]
    return {
        "active_nav": "system",
        "tab_label": next(tab.label for tab in TABS if tab.key == current),
        "tabs": [(tab.label, reverse(tab.url_name), tab.key == current) for tab in seen],
    }
