"""Guide users to their first run: which steps are done, and the button for each step that is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Max
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import ENDED_WELL, OPEN
from config.platform.web.formats import number
from connections import policies as connection_policies
from connections.models import Connection
from connections.views.listing import offers
from exports.models import Export, Run
from exports.permissions import user_can_manage
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh


class StepState(StrEnum):
    """Where a step is. A waiting step needs an earlier one, or a user with another role."""

    DONE = "done"
    OPEN = "open"
    WORKING = "working"
    WAITING = "waiting"

    @property
    def icon(self) -> str:
        """The name of its icon."""
        return _ICONS[self]


_ICONS = {
    StepState.DONE: "circle-check",
    StepState.OPEN: "circle-dashed",
    StepState.WORKING: "refresh-cw",
    StepState.WAITING: "circle-dashed",
}


@dataclass(frozen=True)
class StepButton:
    """What a button of the guide does: ``opens`` is pane, page or post."""

    label: str
    url: str
    opens: str = "pane"
    icon: str = ""  # of a destination, where there are several to choose from
    is_sandbox: bool = False


@dataclass(frozen=True)
class Step:
    """One step: its button, or the choices of the menu that its button opens."""

    title: str
    sentence: str | Promise
    state: StepState
    button: StepButton | None = None
    choices: Sequence[StepButton] = ()

    @property
    def is_done(self) -> bool:
        return self.state is StepState.DONE


@dataclass(frozen=True)
class Guide:
    """The steps to the first run, as one user sees them."""

    steps: Sequence[Step]

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def is_complete(self) -> bool:
        return self.done == len(self.steps)

    @property
    def current(self) -> Step | None:
        """The first step that the user can do now."""
        return next((step for step in self.steps if not step.is_done and (step.button or step.choices)), None)


def guide_for(user: User, connections: Sequence[Connection]) -> Guide | None:
    """Return the guide for a user; None when the user has hidden it, or has nothing to set up any longer."""
    if user.guide_hidden:
        return None
    connection = _connection(user, connections)
    data = _data(user)
    segment = _segment(user, waits=not data.is_done)
    export = _export(user, waits=not (connection.is_done and segment.is_done))
    guide = Guide([connection, data, segment, export, _run(user, waits=not export.is_done)])
    return None if guide.is_complete and not user.may(Permission.EXPORT_MANAGE) else guide


def hide_guide(user: User) -> None:
    """Show the guide to this user no longer."""
    User.objects.filter(pk=user.pk).update(guide_hidden=True)


def _connection(user: User, connections: Sequence[Connection]) -> Step:
    title = _("Connection")
    manages = user.may(Permission.CONNECTION_MANAGE)
    shared = [one for one in connections if manages or user.role in one.allowed_roles]
    problems = [(one, connection_policies.why_it_cannot_run(one)) for one in shared]
    if ready := sum(problem is None for _one, problem in problems):
        sentence = ngettext("%(n)d connection ready.", "%(n)d connections ready.", ready) % {"n": ready}
        return Step(title, sentence, StepState.DONE)
    if not manages:
        sentence = _("An administrator adds a connection and shares it with contributors.")
        return Step(title, sentence, StepState.WAITING)
    for one, problem in problems:
        if problem:
            sentence = _("“%(name)s”: %(status)s") % {"name": one, "status": problem.label}
            open_it = StepButton(_("Open connection"), reverse("connections:edit", args=[one.pk]))
            return Step(title, sentence, StepState.OPEN, open_it)
    choices = [
        StepButton(str(each.destination.label), each.url, icon=each.destination.icon, is_sandbox=each.is_sandbox)
        for each in offers()
    ]
    sentence = _("Connect the account that has your list.")
    return Step(title, sentence, StepState.OPEN, StepButton(_("Add connection"), choices[0].url), choices)


def _data(user: User) -> Step:
    title = _("Data")
    last = ImportJob.objects.order_by("-id").first()
    see_it = StepButton(_("Open the import"), reverse("segments:import", args=[last.pk]), "page") if last else None
    if DataSource.objects.filter(profile_count__gt=0).exists():
        if last is None or last.is_open or not last.rows_refused:
            return Step(title, _("Customers imported."), StepState.DONE)
        imported = last.rows_created + last.rows_updated + last.rows_unchanged
        counts = {"imported": number(imported), "rejected": number(last.rows_refused)}
        sentence = _("Last import: %(imported)s rows imported, %(rejected)s rejected.") % counts
        return Step(title, sentence, StepState.DONE, see_it)
    if last and last.is_open:
        return Step(title, _("The import is in progress."), StepState.WORKING, see_it)
    if not user.may(Permission.DATA_SOURCE_MANAGE):
        return Step(title, _("Contributors and administrators can import a file of customers."), StepState.WAITING)
    if last:
        return Step(title, _("The last import added no customers."), StepState.OPEN, see_it)
    button = StepButton(_("Import file"), reverse("segments:upload"))
    return Step(title, _("Import a CSV file of customers."), StepState.OPEN, button)


def _segment(user: User, *, waits: bool) -> Step:
    title = _("Segment")
    if largest := Segment.objects.aggregate(most=Max("member_count"))["most"]:
        sentence = _("The largest segment has %(n)s members.") % {"n": number(largest)}
        return Step(title, sentence, StepState.DONE)
    last = SegmentRefresh.objects.select_related("segment").order_by("-id").first()
    if last and last.status in OPEN:
        return Step(title, _("The segment is being refreshed."), StepState.WORKING)
    sentence = _("Define a group of customers by rules.")
    if waits or not user.may(Permission.SEGMENT_MANAGE):
        return Step(title, sentence, StepState.WAITING)
    if last:
        button = StepButton(_("Open segment"), reverse("segments:detail", args=[last.segment_id]), "page")
        return Step(title, _("“%(name)s” has no members.") % {"name": last.segment}, StepState.OPEN, button)
    return Step(title, sentence, StepState.OPEN, StepButton(_("New segment"), reverse("segments:add")))


def _export(user: User, *, waits: bool) -> Step:
    title = _("Export")
    if Export.objects.exists():
        return Step(title, _("Export created."), StepState.DONE)
    sentence = _("Choose segments, a list and a connection.")
    if waits or not user.may(Permission.EXPORT_MANAGE):
        return Step(title, sentence, StepState.WAITING)
    return Step(title, sentence, StepState.OPEN, StepButton(_("Add destination"), reverse("exports:add")))


def _run(user: User, *, waits: bool) -> Step:
    title = _("First run")
    sentence = _("Run the export and check the results.")
    if waits:
        return Step(title, sentence, StepState.WAITING)
    if Run.objects.filter(status__in=ENDED_WELL).exists():
        return Step(title, _("First run completed."), StepState.DONE)
    last = Run.objects.order_by("-id").first()
    if last:
        see_it = StepButton(_("See run"), reverse("exports:run", args=[last.pk]), "page")
        if last.is_open:
            return Step(title, _("The run is in progress."), StepState.WORKING, see_it)
        return Step(title, _("The last run did not complete."), StepState.OPEN, see_it)
    export = Export.objects.select_related("connection").order_by("-pk").first()
    if export is None or export.connection is None or not user_can_manage(user, export):
        return Step(title, sentence, StepState.WAITING)
    return Step(
        title, sentence, StepState.OPEN, StepButton(_("Run"), reverse("exports:start", args=[export.pk]), "post")
    )
