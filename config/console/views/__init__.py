"""Home, Admin > System, and the manual: the pages, each with what it collects. This module has the tabs of
Admin > System; a new tab is one line here, a view, and a template that extends system/page.html."""

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission

# key, label, name of the address, permission to see it
_TABS = (
    ("status", _("Status"), "system:status", Permission.SYSTEM_VIEW),
    ("schedule", _("Schedule"), "system:schedule", Permission.SYSTEM_VIEW),
    ("api_usage", _("API usage"), "system:api_usage", Permission.CONNECTION_MANAGE),
    ("notifications", _("Notifications"), "system:notifications", Permission.SYSTEM_MANAGE),
    ("webhooks", _("Webhooks"), "system:webhooks", Permission.WEBHOOK_MANAGE),
    ("general", _("General"), "system:general", Permission.SYSTEM_VIEW),
    ("retention", _("Retention"), "system:retention", Permission.SYSTEM_VIEW),
    ("about", _("About"), "system:about", Permission.SYSTEM_VIEW),
)


def tabs_of(user: User) -> list[tuple[str | Promise, str]]:
    """Return the tabs of Admin > System that a user may see, with their addresses."""
    return [(label, reverse(url_name)) for _key, label, url_name, permission in _TABS if user.may(permission)]


def tabs_context(user: User, current: str) -> dict[str, object]:
    """Return the context of every page under Admin > System; ``current`` is the key of its tab."""
    return {
        "active_nav": "system",
        "tab_label": next(label for key, label, _url, _permission in _TABS if key == current),
        "tabs": [
            (label, reverse(url_name), key == current)
            for key, label, url_name, permission in _TABS
            if user.may(permission)
        ],
    }
