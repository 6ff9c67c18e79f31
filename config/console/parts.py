"""Show the parts of the system to users: the answers of /readyz, with names and explanations."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.console import health
from config.platform.jobs import heartbeat


@dataclass(frozen=True)
class Part:
    """One part: what it is for, whether it answers, and when it was last seen (None: it is asked directly)."""

    name: str | Promise
    purpose: str | Promise
    ok: bool
    message: str
    seen_at: datetime | None


_NAMES: dict[str, tuple[Promise, Promise]] = {
    "database": (_("Database"), _("Holds everything: profiles, exports, runs and what became of them.")),
    "migrations": (_("Tables"), _("The tables fit this version.")),
    "static_files": (_("Static files"), _("Styles, scripts and pictures of the pages.")),
    "broker": (_("Broker"), _("Carries messages to the workers.")),
    "beat": (_("Beat"), _("Sends a message every two seconds, so that nothing is forgotten.")),
    "control": (_("Worker “control”"), _("Does what is short: ticks and sweeps.")),
    "jobs": (_("Worker “jobs”"), _("Does what is long: imports, refreshes, deliveries.")),
}


def all_parts() -> list[Part]:
    """Every part with its answer of this moment."""
    return [_part(name, check) for name, check in health.check_all().items()]


def _part(name: str, check: health.Check) -> Part:
    label, purpose = _NAMES.get(name, (name, ""))
    sign = heartbeat.last(name) if name in heartbeat.NAMES and check.ok else None
    return Part(label, purpose, check.ok, check.message, sign.at if sign else None)
