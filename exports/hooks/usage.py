"""Which exports use a connection or a segment: what the lower apps' pages show, and can do about it."""

from collections.abc import Callable, Collection
from functools import partial

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs.models import OPEN
from connections import offered_attributes
from connections import usage as uses_of_connections
from exports import policies
from exports.actions import manage
from exports.actions import runs as actions_runs
from exports.models import Export, Run
from segments import audience
from segments.models import AttributeType


def of_connection(connection_id: int) -> list[uses_of_connections.Use]:
    """The exports on a connection."""
    over_it = Q(clears=None) | Q(clears_over=connection_id)
    open_runs = Run.objects.filter(over_it, export=OuterRef("pk"), status__in=OPEN)
    exports = Export.objects.filter(connection_id=connection_id).annotate(is_busy=Exists(open_runs))
    return [
        *_clearings(connection_id),
        *(
            uses_of_connections.Use(
                _("Export"),
                name,
                _address(pk),
                key=str(pk),
                is_busy=is_busy,
                remove=partial(_if_it_rests, manage.remove, pk),
                detach=partial(_if_it_rests, manage.detach, pk),
                stop=partial(_stop, pk),
            )
            for pk, name, is_busy in exports.order_by("name").values_list("pk", "name", "is_busy")
        ),
    ]


def _clearings(connection_id: int) -> list[uses_of_connections.Use]:
    """Lists that are being cleared over the connection by exports that go elsewhere: they are stopped."""
    runs = Run.objects.filter(clears_over=connection_id, status__in=OPEN).exclude(export__connection=connection_id)
    return [
        uses_of_connections.Use(
            _("Run"),
            _("Taking people of “%(export)s” off their old list") % {"export": run.export},
            reverse("exports:run", args=[run.pk]),
            key=f"run-{run.pk}",
            is_busy=True,
            is_only_stopped=True,
            remove=_nothing,
            detach=_nothing,
            stop=partial(_stop, run.export_id),
        )
        for run in runs.select_related("export").order_by("pk")
    ]


def _nothing(_by: User | None) -> None:
    """A run that was stopped needs no more."""


def counts_of_connections(connection_ids: Collection[int]) -> dict[int, int]:
    """How many exports are on each of the connections, asked at once for a whole list."""
    found = Export.objects.filter(connection__in=connection_ids).values("connection").annotate(count=Count("pk"))
    return dict(found.values_list("connection", "count"))


def attributes_for_limits() -> list[offered_attributes.Attribute]:
    """What a connection's limits can speak of."""
    return [
        offered_attributes.Attribute(attribute.name, attribute.data_type == AttributeType.BOOLEAN)
        for attribute in audience.attributes()
    ]


def _address(export_id: int) -> str:
    return reverse("exports:edit", args=[export_id])


def _if_it_rests(action: Callable[..., None], export_id: int, by: User | None) -> None:
    """Do it unless a run is under way; what is gone already needs nothing."""
    export = Export.objects.filter(pk=export_id).first()
    if export is None:
        return
    try:
        action(export, by=by)
    except policies.Refusal as refusal:
        raise uses_of_connections.StillBusy(refusal.sentence) from refusal


def _stop(export_id: int, by: User | None) -> None:
    """Ask the runs that are under way to stop."""
    for run in Run.objects.filter(export=export_id, status__in=OPEN, cancel_requested_at=None):
        try:
            actions_runs.cancel_run(run, by=by)
        except policies.Refusal:  # it ended in this very moment
            continue
