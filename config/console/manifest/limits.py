"""Read and write the limits of a connection in a manifest. Together they are all limits: what the mapping does not
name is not limited."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from config.console.manifest.document import Entry, Lined, Problems
from connections.models import MOST_IN_FLIGHT, Connection, Limits
from segments import catalog

# How the fields of Limits are called in a file.
_IN_FILE = {
    "lists": "lists",
    "withheld": "blocked_attributes",
    "allowed": "allowed_attributes",
    "required_attribute": "consent_attribute",
    "most_people": "contact_limit",
    "may_remove": "may_remove",
    "may_resubscribe": "may_resubscribe",
}
LIMIT_KEYS = tuple(_IN_FILE.values())
_MOST_PEOPLE = 1_000_000_000


def plain_limits(limits: Limits) -> dict[str, Any]:
    """Return the limits that are set, as a manifest has them."""
    kept, usual = limits.keep(), Limits().keep()
    return {_IN_FILE[name]: value for name, value in kept.items() if value != usual[name]}


def read_limits(entry: Entry, problems: Problems) -> Limits | None:
    """Read the key ``limits`` of a connection; None when the file does not say."""
    node = entry.value("limits")
    return None if node is None else _read(Entry(node, problems, LIMIT_KEYS))


def _read(entry: Entry) -> Limits:
    may_remove, allowed = entry.truth("may_remove"), entry.texts("allowed_attributes")
    if allowed is not None and not allowed:
        entry.note("allowed_attributes", _("Allow at least the attribute that contains the email."))
    return Limits(
        lists=_only_texts(entry.texts("lists")),
        withheld=_only_texts(entry.texts("blocked_attributes")),
        allowed=None if allowed is None else _only_texts(allowed),
        required_attribute=entry.text("consent_attribute") or "",
        most_people=entry.number("contact_limit", least=1, most=_MOST_PEOPLE),
        may_remove=may_remove is not False,
        may_resubscribe=bool(entry.truth("may_resubscribe")),
    )


def read_parallel_requests(entry: Entry) -> int | None:
    """Read how many requests the exports on a connection may have in flight; None when the file does not say."""
    return entry.number("parallel_requests", least=1, most=MOST_IN_FLIGHT)


def check_limits(limits: Limits, existing: Connection | None, line: int, problems: Problems) -> None:
    """Add a problem for each attribute that profiles do not have: a mistyped one would block nothing."""
    present = existing.limited if existing else Limits()
    kept = {*present.withheld, *(present.allowed or ()), present.required_attribute, ""}
    known = {name.casefold() for name in (*catalog.types_by_name(), *kept)}
    for name in (*limits.withheld, *(limits.allowed or ()), limits.required_attribute):
        if name.casefold() not in known:
            problems.add(line, _("Profiles have no attribute “%s”.") % name)


def _only_texts(lined: Sequence[Lined] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text, _line in lined or ()))
