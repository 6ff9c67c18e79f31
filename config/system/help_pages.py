"""The manual: its pages in the order of reading."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: dict[str, Promise] = {
    "getting-started": _("Getting started"),
    "connections": _("Connections"),
    "segments": _("Data and segments"),
    "exports-and-runs": _("Exports and runs"),
    "statuses": _("Statuses"),
    "care-for-your-list": _("Care for your list"),
    "sandbox": _("The sandbox"),
}
