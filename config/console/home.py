"""Collect what Home shows: counts, what needs attention, the latest runs, stage times and the next steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Aggregate, Avg, F, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.console import health
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.web.formats import number
from config.platform.web.navigation import address
from connections import policies as connection_policies
from connections.models import Connection
from exports.models import Export, Run, RunKind
from exports.reporting import messages
from segments.models import DataSource, Profile, Segment

NEEDS_A_PERSON = (JobStatus.FAILED, JobStatus.NEEDS_CONFIRMATION)
WORTH_A_LOOK = (JobStatus.WARNINGS, JobStatus.SKIPPED, JobStatus.FAILURE)
RECENT = timedelta(days=30)
MOST_ITEMS = 10  # of each kind; the lists have all of them


@dataclass(frozen=True)
class KeyCount:
    """One number with the page that holds the rows behind it."""

    icon: str
    label: str | Promise
    value: int
    url: str
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One line of a list of things to do: ``tone`` is done, todo, warning or danger."""

    tone: str
    icon: str
    title: str | Promise
    sentence: str | Promise
    url: str = ""
    url_label: str | Promise = ""


def key_counts() -> list[KeyCount]:
    """Count what the tiles at the top show."""
    since = clock.now() - RECENT
    sent = Run.objects.filter(finished_at__gte=since).aggregate(total=Sum("delivered"))["total"] or 0
    return [
        KeyCount("users", _("Customers"), _customers(), address("segments:customers")),
        KeyCount("chart-pie", _("Segments"), Segment.objects.count(), address("segments:list")),
        KeyCount("send", _("Exports"), Export.objects.count(), address("exports:list")),
        KeyCount("mail-check", _("Delivered"), sent, address("exports:list"), _("in the last 30 days")),
    ]


def _customers() -> int:
    return DataSource.objects.aggregate(total=Sum("profile_count"))["total"] or 0


def latest_runs(limit: int = 6) -> list[Run]:
    """Select the newest runs of all exports."""
    return list(Run.objects.select_related("export", "requested_by").order_by("-id")[:limit])


def attention(user: User) -> list[Item]:
    """List what needs attention, the worst first."""
    items = [*_parts_that_are_down(), *_connections(user), *_exports()]
    return sorted(items, key=lambda item: item.tone != "danger")


def _parts_that_are_down() -> Iterator[Item]:
    down = [name for name, check in health.check_all().items() if not check.ok]
    if down:
        yield Item(
            "danger",
            "heart-pulse",
            _("A system component is down"),
            _("No recent heartbeat: %(names)s. Runs wait until it is back.") % {"names": ", ".join(down)},
            address("system:status"),
            _("See status"),
        )


def _connections(user: User) -> Iterator[Item]:
    if not user.may(Permission.CONNECTION_MANAGE):
        return
    for connection in Connection.objects.select_related("export_user").prefetch_related("consents"):
        status = connection_policies.why_it_cannot_run(connection)
        if status is None:
            continue
        link = reverse("connections:edit", args=[connection.pk])
        title = _("“%(name)s”: %(status)s") % {"name": connection, "status": status.label}
        yield Item(status.tone, status.icon, title, status.sentence, link, _("Open connection"))


def _exports() -> Iterator[Item]:
    for export in Export.objects.filter(connection=None).order_by("name")[:MOST_ITEMS]:
        title = _("“%(name)s” has no connection") % {"name": export}
        sentence = _("The export keeps its settings and does not run until you choose a connection.")
        yield Item(
            "warning", "unplug", title, sentence, reverse("exports:edit", args=[export.pk]), _("Open export")
        )
    runs = Run.objects.filter(export=OuterRef("pk")).order_by("-number")
    ordinary, cleanups = runs.exclude(kind=RunKind.LIST_CLEANUP), runs.filter(kind=RunKind.LIST_CLEANUP)
    newest = Export.objects.annotate(
        newest=Subquery(ordinary.values("pk")[:1]), cleanup=Subquery(cleanups.values("pk")[:1])
    )
    either = Q(pk__in=newest.values("newest")) | Q(pk__in=newest.values("cleanup"))
    troubled = Run.objects.filter(either, status__in=NEEDS_A_PERSON + WORTH_A_LOOK).order_by("-id")
    for run in troubled.select_related("export")[:MOST_ITEMS]:
        yield _of_run(run)


def _of_run(run: Run) -> Item:
    title = _("“%(name)s”: %(status)s") % {"name": run.export, "status": run.get_status_display()}
    tone = "danger" if run.status == JobStatus.FAILED else "warning"
    icon = "circle-x" if tone == "danger" else "triangle-alert"
    sentence = run.message or messages.of_run(run).explanation
    return Item(tone, icon, title, sentence, reverse("exports:run", args=[run.pk]), _("See run"))


def next_steps(user: User) -> list[Item]:
    """List the steps to a first export, each ticked when it is done."""
    return [_connection_step(user), _data_step(), _segment_step(), _export_step(), _run_step()]


def _step(done: bool, title: Promise, sentence: str, link: tuple[str, Promise]) -> Item:
    icon = "circle-check" if done else "circle-dashed"
    if done:
        return Item("done", icon, title, sentence)
    return Item("todo", icon, title, sentence, *link)


def _connection_step(user: User) -> Item:
    everything = Connection.objects.select_related("export_user").prefetch_related("consents")
    ready = sum(connection_policies.why_it_cannot_run(connection) is None for connection in everything)
    may = user.may(Permission.CONNECTION_MANAGE)
    sentence = _("An administrator connects an account that exports can send to.")
    if ready:
        sentence = ngettext("%(n)d connection ready.", "%(n)d connections ready.", ready) % {"n": ready}
    link = (address("connections:list") if may else "", gettext_lazy("Add connection"))
    return _step(ready > 0, gettext_lazy("Connection"), sentence, link)


def _data_step() -> Item:
    known = Profile.objects.exists()
    sentence = _("Customers imported.") if known else _("Import a CSV file of customers.")
    link = (address("segments:data_sources"), gettext_lazy("Go to Data sources"))
    return _step(known, gettext_lazy("Data"), sentence, link)


def _segment_step() -> Item:
    largest = Segment.objects.aggregate(most=Max("member_count"))["most"] or 0
    sentence = _("Define a group of customers by rules.")
    if largest:
        sentence = _("The largest segment has %(n)s members.") % {"n": number(largest)}
    return _step(
        largest > 0, gettext_lazy("Segment"), sentence, (address("segments:list"), gettext_lazy("Add segment"))
    )


def _export_step() -> Item:
    known = Export.objects.exists()
    sentence = _("Export created.") if known else _("Choose segments, a list and a connection.")
    return _step(known, gettext_lazy("Export"), sentence, (address("exports:list"), gettext_lazy("Add export")))


def _run_step() -> Item:
    done = Run.objects.filter(status__in=(JobStatus.SUCCESSFUL, JobStatus.WARNINGS)).exists()
    sentence = _("First run completed.") if done else _("Run the export and check the results.")
    return _step(done, gettext_lazy("Run"), sentence, (address("exports:list"), gettext_lazy("Go to Exports")))


RECENT_RUNS = timedelta(days=30)
_CHECKED = Coalesce("checked_at", "started_at")  # the older ones do not know when they were checked
_STAGES = (
    ("waiting", gettext_lazy("Wait and check"), _CHECKED - F("created_at")),
    ("planning", gettext_lazy("Plan"), F("planned_at") - _CHECKED),
    ("delivery", gettext_lazy("Deliver"), F("finished_at") - F("planned_at")),
)


@dataclass(frozen=True)
class StageTime:
    """One stage: how long it usually takes, at the longest, and its share of the whole in percent."""

    key: str
    label: str | Promise
    usual: timedelta
    longest: timedelta
    share: int


def stage_times() -> Sequence[StageTime]:
    """Measure how long each stage of the recent runs took that sent something; empty when there was none. One
    query."""
    runs = Run.objects.filter(
        finished_at__gte=clock.now() - RECENT_RUNS,
        status__in=(JobStatus.SUCCESSFUL, JobStatus.WARNINGS),
        planned_at__isnull=False,
        planned__gt=0,
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
