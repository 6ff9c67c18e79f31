"""Help: its pages in the order of reading, and the statuses and results that it explains."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.console import security_controls
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import KIND_MEANINGS

PAGES: dict[str, Promise] = {
    "getting-started": _("Getting started"),
    "connections": _("Connections"),
    "segments": _("Data and segments"),
    "exports-and-runs": _("Exports and runs"),
    "system-refresh": _("System refresh and status"),
    "statuses": _("Statuses"),
    "notifications": _("Notifications"),
    "care-for-your-list": _("Care for your list"),
    "rights": _("A person’s rights"),
    "people-and-permissions": _("People and permissions"),
    "security": _("Security"),
    "sandbox": _("The sandbox"),
}

STATUS_MEANINGS: dict[JobStatus, Promise] = {
    JobStatus.QUEUED: _("Waits for what it depends on, or for its turn."),
    JobStatus.PROCESSING: _("At work. It can be canceled."),
    JobStatus.SUCCESSFUL: _("Done, and everything was taken. Also when nothing had changed and nothing was sent."),
    JobStatus.WARNINGS: _("Done; some of it was refused. The page lists whom, and why."),
    JobStatus.SKIPPED: _("Not tried, because something that it depends on is not ready. It heals by itself."),
    JobStatus.FAILURE: _("Failed, and will be tried again by itself."),
    JobStatus.FAILED: _("Every retry is used up, or no retry could help: a person has to look."),
    JobStatus.CANCELED: _("A person stopped it. What was done until then stays."),
    JobStatus.NEEDS_CONFIRMATION: _("Nothing was sent yet: a person has to confirm what it would do."),
}

OUTCOMES: list[tuple[str, Promise, Promise]] = [
    ("delivered", _("Delivered"), _("The list has taken the person, as new or as an update.")),
    ("left", _("Left as they are"), _("Unsubscribed, suppressed, bounced, deleted or unconfirmed: not touched.")),
    ("rejected", _("Rejected"), _("The service refused the person; its code and a sentence say why.")),
    ("not_sent", _("Not sent"), _("The run ended before their turn. The next run sends them.")),
]


def _statuses() -> list[tuple[str, Promise | str, Promise]]:
    """Every status with its word and its meaning."""
    return [(status.value, status.label, STATUS_MEANINGS[status]) for status in JobStatus]


def help_page(request: HttpRequest, page: str) -> HttpResponse:
    """Show one page of the help."""
    if page not in PAGES:
        raise Http404
    context = {
        "pages": PAGES,
        "page": page,
        "page_title": PAGES[page],
        "statuses": _statuses(),
        "outcomes": OUTCOMES,
        "kinds": [(kind.label, meaning) for kind, meaning in KIND_MEANINGS.items()],
        "threats": security_controls.GROUPS,
    }
    return render(request, f"help/{page}.html", context)
