"""List the pages of the help by kind of users, in the order of reading, and the pictures in them."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class HelpGroup:
    """The pages of the help for one kind of users: their name, what they do, and the pages by address."""

    key: str
    label: Promise
    sentence: Promise
    pages: dict[str, Promise]


GROUPS = (
    HelpGroup(
        "viewers",
        _("Viewers"),
        _("Follow exports and read results."),
        {"getting-started": _("Getting started"), "results": _("Results"), "statuses": _("Statuses")},
    ),
    HelpGroup(
        "contributors",
        _("Contributors"),
        _("Import customers, build segments and run exports."),
        {
            "segments": _("Data and segments"),
            "exports-and-runs": _("Exports and runs"),
            "care-for-your-list": _("List protection"),
            "sandbox": _("The sandbox"),
        },
    ),
    HelpGroup(
        "administrators",
        _("Administrators"),
        _("Manage connections, users, schedules and privacy requests."),
        {
            "connections": _("Connections"),
            "people-and-permissions": _("Users and permissions"),
            "system-refresh": _("System refresh and status"),
            "notifications": _("Notifications"),
            "rights": _("Privacy requests"),
            "data-flow": _("Personal data"),
            "security": _("Security"),
        },
    ),
    HelpGroup(
        "operators",
        _("Operators"),
        _("Install, configure, back up, upgrade and monitor the system."),
        {
            "installation": _("Installation"),
            "settings": _("Settings"),
            "backup": _("Backup and restore"),
            "upgrades": _("Upgrades"),
            "monitoring": _("Monitoring"),
            "commands": _("Commands"),
        },
    ),
    HelpGroup(
        "developers",
        _("Developers"),
        _("Connect other programs, and add destinations."),
        {
            "rest-api": _("REST API"),
            "orchestrators": _("Orchestrators"),
            "webhooks": _("Webhooks"),
            "destinations": _("Destinations"),
        },
    ),
)
PAGES: dict[str, Promise] = {page: label for group in GROUPS for page, label in group.pages.items()}


@dataclass(frozen=True)
class Picture:
    """A picture of a screen in the help: the address that it shows, by name, and its size in CSS pixels."""

    url_name: str
    width: int
    height: int


# tests/functional/test_help_pictures.py takes them.
PICTURES = {
    "home": Picture("system:home", 1360, 900),
    "data-sources": Picture("segments:data_sources", 1360, 400),
    "segment-builder": Picture("segments:edit", 1200, 980),
    "connection": Picture("connections:edit", 1200, 940),
    "export-pane": Picture("exports:edit", 1200, 980),
    "exports": Picture("exports:list", 1360, 480),
    "run": Picture("exports:run", 1200, 1080),
    "contacts": Picture("exports:contacts", 1200, 760),
    "system-status": Picture("system:status", 1200, 640),
}
PICTURE_DIR: Path = settings.BASE_DIR / "static" / "img" / "help"
