"""List what needs attention: components that are down, connections, imports and exports that wait for a user."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.console import health
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import JobStatus
from connections import policies as connection_policies
from connections.models import Connection
from exports.models import Export, Run, RunKind
from exports.reporting import messages
from exports.reporting.run_message import describe_message
from segments.models import ImportJob
from segments.sources.held_imports import held_sentence

NEEDS_ATTENTION = (
    *(JobStatus.FAILED, JobStatus.NEEDS_CONFIRMATION),
    *(JobStatus.WARNINGS, JobStatus.SKIPPED, JobStatus.FAILURE),
)
MOST_ITEMS = 10  # of each kind; the lists have all of them


@dataclass(frozen=True)
class Item:
    """One thing that needs attention: ``tone`` is warning or danger."""

    tone: str
    icon: str
    title: str
    sentence: str | Promise
    url: str = ""
    url_label: str = ""


def items_for(user: User, connections: Sequence[Connection], down: Sequence[Item]) -> list[Item]:
    """Return what needs the attention of this user, errors first. ``down`` was found beforehand."""
    items = [*down, *_connections_to_fix(user, connections), *_imports_to_confirm(), *_exports_to_fix()]
    return sorted(items, key=lambda item: item.tone != "danger")


def parts_that_are_down() -> Iterator[Item]:
    """Find the components of the system that have given no recent sign of life."""
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
