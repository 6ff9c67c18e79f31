"""Give every status a tone and an icon, so that no page chooses colors."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """``tone`` is one of neutral, info, working, success, warning, danger; ``icon`` a name of the icon set."""

    tone: str
    icon: str


UNKNOWN = Look("neutral", "circle-dashed")

LOOKS: dict[str, Look] = {
    # jobs: imports, refreshes, runs
    "not_started": Look("neutral", "circle-dashed"),
    "queued": Look("info", "clock"),
    "processing": Look("working", ""),
    "refreshing": Look("working", ""),
    "canceling": Look("working", ""),
    "successful": Look("success", "circle-check"),
    "warnings": Look("warning", "triangle-alert"),
    "skipped": Look("neutral", "skip-forward"),
    "failure": Look("warning", "rotate-cw"),
    "failed": Look("danger", "circle-x"),
    "canceled": Look("neutral", "ban"),
    "needs_confirmation": Look("warning", "circle-question-mark"),
    # connections and exports
    "connected": Look("success", "circle-check"),
    "not_connected": Look("neutral", "unplug"),
    "no_connection": Look("neutral", "unplug"),
    "consent_needed": Look("warning", "shield-alert"),
    "reconnect": Look("danger", "unplug"),
    # outcomes
    "delivered": Look("success", "circle-check"),
    "left": Look("neutral", "circle-minus"),
    "rejected": Look("danger", "circle-x"),
    "not_sent": Look("neutral", "circle-dashed"),
    # the state of parts of the system, of accounts and of switches
    "ok": Look("success", "circle-check"),
    "active": Look("success", "circle-check"),
    "inactive": Look("neutral", "circle-minus"),
    "unknown": Look("neutral", "circle-question-mark"),
    "down": Look("danger", "circle-x"),
}


def look_of(status: str) -> Look:
    """Return the look of a status; unknown ones are neutral."""
    return LOOKS.get(status, UNKNOWN)
