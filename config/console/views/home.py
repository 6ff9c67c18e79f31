"""Home: counts, what needs attention, the latest runs, stage times and the next steps."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Aggregate, Avg, F, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from config.console import charts, health
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.db import one_moment
from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.schedules import display
from config.platform.web.formats import number
from config.platform.web.htmx import Request
from connections import policies as connection_policies
from connections.models import Connection
from exports.models import Export, Run, RunKind
from exports.reporting import messages
from exports.reporting.run_message import describe_message
from exports.results import summary
from segments.models import DataSource, ImportJob, Segment
from segments.sources.held_imports import held_sentence

NEEDS_ATTENTION = (
    *(JobStatus.FAILED, JobStatus.NEEDS_CONFIRMATION),
    *(JobStatus.WARNINGS, JobStatus.SKIPPED, JobStatus.FAILURE),
)
COMPLETED = (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
RECENT = timedelta(days=30)
MOST_ITEMS = 10  # of each kind; the lists have all of them
LATEST_RUNS = 6
_CHECKED = Coalesce("checked_at", "started_at")  # the older ones do not know when they were checked
_STAGES = (
    ("waiting", gettext_lazy("Wait and check"), _CHECKED - F("created_at")),
    ("planning", gettext_lazy("Plan"), F("planned_at") - _CHECKED),
    ("delivery", gettext_lazy("Deliver"), F("finished_at") - F("planned_at")),
)


@dataclass(frozen=True)
class KeyCount:
    """One number with the page that holds the rows behind it."""

    icon: str
    label: str
    value: int
    url: str
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One line of a list of things to do: ``tone`` is done, todo, warning or danger."""

    tone: str
    icon: str
    title: str
    sentence: str | Promise
    url: str = ""
    url_label: str = ""


@dataclass(frozen=True)
class StageTime:
    """One stage: how long it usually takes, at the longest, and its share of the whole in percent."""

    key: str
    label: str | Promise
    usual: timedelta
    longest: timedelta
    share: int


def home(request: Request) -> HttpResponse:
    """Show what needs attention, what was sent, and what to do next."""
    return render(request, "system/home.html", {"active_nav": "home"} | _live_parts(request))


@require_safe
def home_live(request: Request) -> HttpResponse:
    """Render the part of the page that changes; nothing when it is as the page shows it (``?shown=``)."""
    context = _live_parts(request)
    if context["digest"] == request.GET.get("shown"):
        return HttpResponse(status=204)
    return render(request, "system/home_live.html", context)


def _live_parts(request: Request) -> dict[str, object]:
    down = list(_parts_that_are_down())
    with one_moment():
        parts = render_to_string("system/home_parts.html", _context(request, down), request)
        is_live = any(job.objects.filter(status__in=OPEN).exists() for job in (Run, ImportJob))
    digest = hashlib.sha256(parts.encode()).hexdigest()[:16]
    return {
        "parts": mark_safe(parts),  # noqa: S308 - rendered by a template
        "digest": digest,
        "live_id": "home",
        "live_url": f"{reverse('system:home_live')}?shown={digest}",
        "live_every": "2s" if is_live else "30s",
    }


def _context(request: Request, down: Sequence[Item]) -> dict[str, object]:
    connections = list(Connection.objects.select_related("export_user").prefetch_related("consents"))
    steps = next_steps(request.user, connections)
    items = [*down, *_connections_to_fix(request.user, connections), *_imports_to_confirm(), *_exports_to_fix()]
    return {
        "key_counts": _key_counts(),
        "attention": sorted(items, key=lambda item: item.tone != "danger"),
        "sent": charts.sent_per_day(),
        "refresh": display.system_state(),
        "can_set_schedule": request.user.may(Permission.SYSTEM_MANAGE),
        "durations": stage_times(),
        "runs": [
            (run, summary.of_run(run))
            for run in Run.objects.select_related("export", "requested_by").order_by("-id")[:LATEST_RUNS]
        ],
        "steps": steps,
        "set_up": all(step.tone == "done" for step in steps),
    }


def _key_counts() -> list[KeyCount]:
    """Count what the tiles at the top show."""
    customers = DataSource.objects.aggregate(total=Sum("profile_count"))["total"] or 0
    recent = Run.objects.filter(finished_at__gte=clock.now() - RECENT)
    sent = recent.aggregate(total=Sum("delivered"))["total"] or 0
    exports_url = reverse("exports:list")
    return [
        KeyCount("users", _("Customers"), customers, reverse("segments:customers")),
        KeyCount("chart-pie", _("Segments"), Segment.objects.count(), reverse("segments:list")),
        KeyCount("send", _("Exports"), Export.objects.count(), exports_url),
        KeyCount("mail-check", _("Delivered"), sent, exports_url, _("in the last 30 days")),
    ]


def _parts_that_are_down() -> Iterator[Item]:
    down = [name for name, check in health.check_all().items() if not check.ok]
    if down:
        title = _("A system component is down")
        sentence = _("No recent heartbeat: %(names)s. Runs wait until it is back.") % {"names": ", ".join(down)}
        yield Item("danger", "heart-pulse", title, sentence, reverse("system:status"), _("See status"))


def _connections_to_fix(user: User, connections: Sequence[Connection]) -> Iterator[Item]:
    if not user.may(Permission.CONNECTION_MANAGE):
        return
    for connection in connections:
        status = connection_policies.why_it_cannot_run(connection)
        if status is not None:
            url = reverse("connections:edit", args=[connection.pk])
            title = _("“%(name)s”: %(status)s") % {"name": connection, "status": status.label}
            yield Item(status.tone, status.icon, title, status.sentence, url, _("Open connection"))


def _imports_to_confirm() -> Iterator[Item]:
    """Imports whose removals are held."""
    held = ImportJob.objects.filter(status=JobStatus.NEEDS_CONFIRMATION).order_by("-id")
    for job in held.select_related("source")[:MOST_ITEMS]:
        title = _("“%(name)s”: %(status)s") % {"name": job.source, "status": job.get_status_display()}
        url = reverse("segments:import", args=[job.pk])
        yield Item("warning", "triangle-alert", title, held_sentence(job), url, _("Open the import"))


def _exports_to_fix() -> Iterator[Item]:
    """Exports without a connection, and those whose newest run, or newest list cleanup, needs attention."""
    for export in Export.objects.filter(connection=None).order_by("name")[:MOST_ITEMS]:
        title = _("“%(name)s” has no connection") % {"name": export}
        sentence = _("The export keeps its settings and does not run until you choose a connection.")
        url = reverse("exports:edit", args=[export.pk])
        yield Item("warning", "unplug", title, sentence, url, _("Open export"))
    runs = Run.objects.filter(export=OuterRef("pk")).order_by("-number")
    ordinary, cleanups = runs.exclude(kind=RunKind.LIST_CLEANUP), runs.filter(kind=RunKind.LIST_CLEANUP)
    newest = Export.objects.annotate(
        newest=Subquery(ordinary.values("pk")[:1]), cleanup=Subquery(cleanups.values("pk")[:1])
    )
    either = Q(pk__in=newest.values("newest")) | Q(pk__in=newest.values("cleanup"))
    found = Run.objects.filter(either, status__in=NEEDS_ATTENTION).order_by("-id")
    for run in found.select_related("export")[:MOST_ITEMS]:
        title = _("“%(name)s”: %(status)s") % {"name": run.export, "status": run.get_status_display()}
        failed = run.status == JobStatus.FAILED
        tone, icon = ("danger", "circle-x") if failed else ("warning", "triangle-alert")
        why = describe_message(run, with_fields=False) or messages.message_of_run(run).explanation
        yield Item(tone, icon, title, why, reverse("exports:run", args=[run.pk]), _("See run"))


def next_steps(user: User, connections: Sequence[Connection]) -> list[Item]:
    """List the steps to a first export, each ticked when it is done."""
    ready = sum(connection_policies.why_it_cannot_run(connection) is None for connection in connections)
    largest = Segment.objects.aggregate(most=Max("member_count"))["most"] or 0
    connected = ngettext("%(n)d connection ready.", "%(n)d connections ready.", ready) % {"n": ready}
    exports_url = reverse("exports:list")
    connections_url = reverse("connections:list") if user.may(Permission.CONNECTION_MANAGE) else ""
    return [
        _step(
            _("Connection"),
            _("An administrator connects an account that exports can send to."),
            (connections_url, _("Add connection")),
            done=connected if ready else "",
        ),
        _step(
            _("Data"),
            _("Import a CSV file of customers."),
            (reverse("segments:data_sources"), _("Go to Data sources")),
            done=_("Customers imported.") if DataSource.objects.filter(profile_count__gt=0).exists() else "",
        ),
        _step(
            _("Segment"),
            _("Define a group of customers by rules."),
            (reverse("segments:list"), _("New segment")),
            done=_("The largest segment has %(n)s members.") % {"n": number(largest)} if largest else "",
        ),
        _step(
            _("Export"),
            _("Choose segments, a list and a connection."),
            (exports_url, _("Add destination")),
            done=_("Export created.") if Export.objects.exists() else "",
        ),
        _step(
            _("Run"),
            _("Run the export and check the results."),
            (exports_url, _("Go to Exports")),
            done=_("First run completed.") if Run.objects.filter(status__in=COMPLETED).exists() else "",
        ),
    ]


def _step(title: str, sentence: str, link: tuple[str, str], *, done: str) -> Item:
    """Make a step; ``done`` is the sentence to show once it is done, empty before."""
    return (
        Item("done", "circle-check", title, done)
        if done
        else Item("todo", "circle-dashed", title, sentence, *link)
    )


def stage_times() -> list[StageTime]:
    """Measure how long each stage of the recent runs took that sent something; empty when there was none. One
    query."""
    runs = Run.objects.filter(
        finished_at__gte=clock.now() - RECENT, status__in=COMPLETED, planned_at__isnull=False, planned__gt=0
    )
    asked: dict[str, Aggregate] = {f"{key}_usual": Avg(span) for key, _label, span in _STAGES}
    asked |= {f"{key}_longest": Max(span) for key, _label, span in _STAGES}
    found = runs.aggregate(**asked)
    whole = sum((found[f"{key}_usual"] or timedelta() for key, _label, _span in _STAGES), timedelta())
    if not whole:
        return []
    return [
        StageTime(key, label, usual, found[f"{key}_longest"], round(usual / whole * 100))
        for key, label, _span in _STAGES
        if (usual := found[f"{key}_usual"]) is not None
    ]
