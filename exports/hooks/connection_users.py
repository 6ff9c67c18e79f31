"""Tell the pages of connections which exports use a connection, and stop, remove or detach them."""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs.models import OPEN
from connections.hooks import ConnectionUsers, LimitAttribute, OnRemoval, StillBusy, Usage
from exports import policies
from exports.actions import manage, runs
from exports.models import Export, Run
from segments import audience
from segments.models import AttributeType

# The key of a usage is the ID of an export or, behind this prefix, of a list cleanup.
_CLEANUP = "run-"


class ExportsUsingConnections(ConnectionUsers):
    """The exports on a connection, and the list cleanups that other exports run over it."""

    def usages(self, connection_id: int) -> Sequence[Usage]:
        over_it = Q(cleanup=None) | Q(cleanup__connection=connection_id)
        open_runs = Run.objects.filter(over_it, export=OuterRef("pk"), status__in=OPEN)
        exports = Export.objects.filter(connection_id=connection_id).annotate(is_busy=Exists(open_runs))
        return [
            *_cleanups(connection_id),
            *(
                Usage(_("Export"), name, reverse("exports:edit", args=[pk]), key=str(pk), is_busy=is_busy)
                for pk, name, is_busy in exports.order_by("name").values_list("pk", "name", "is_busy")
            ),
        ]

    def usage_counts(self, connection_ids: Collection[int]) -> Mapping[int, int]:
        found = Export.objects.filter(connection__in=connection_ids).values("connection")
        return dict(found.annotate(count=Count("pk")).values_list("connection", "count"))

    def stop(self, key: str, *, by: User | None) -> None:
        of_export = Q(export__runs=key.removeprefix(_CLEANUP)) if key.startswith(_CLEANUP) else Q(export=key)
        for run in Run.objects.filter(of_export, status__in=OPEN, cancel_requested_at=None):
            try:
                runs.cancel_run(run, by=by)
            except policies.Refusal:  # it ended in this very moment
                continue

    def carry_out(self, key: str, choice: OnRemoval, *, by: User | None) -> None:
        if key.startswith(_CLEANUP):  # a cleanup that was stopped needs no more
            return
        export = Export.objects.filter(pk=key).first()
        if export is None:
            return
        try:
            (manage.remove if choice is OnRemoval.REMOVE else manage.detach)(export, by=by)
        except policies.Refusal as refusal:
            raise StillBusy(refusal.sentence) from refusal

    def attributes(self) -> Sequence[LimitAttribute]:
        return [
            LimitAttribute(attribute.name, attribute.data_type == AttributeType.BOOLEAN)
            for attribute in audience.attributes()
        ]


def _cleanups(connection_id: int) -> list[Usage]:
    """List cleanups over the connection by exports that are on another one by now."""
    open_runs = Run.objects.filter(cleanup__connection=connection_id, status__in=OPEN)
    return [
        Usage(
            _("Run"),
            _("List cleanup of “%(export)s”") % {"export": run.export},
            reverse("exports:run", args=[run.pk]),
            key=f"{_CLEANUP}{run.pk}",
            is_busy=True,
            is_only_stopped=True,
        )
        for run in open_runs.exclude(export__connection=connection_id).select_related("export").order_by("pk")
    ]
