"""Emit the events of runs and lists. Their data holds names, numbers and links, never anything about a contact."""

from collections.abc import Iterable

from django.urls import reverse

from config.platform.events.models import EventType
from config.platform.events.outbox import NewEvent, emit
from config.platform.jobs.models import JobStatus
from config.platform.notifications.hooks import Scope
from config.platform.notifications.mail import absolute_url
from exports.models import Export, ListComparison, ListState, Run
from exports.results import summary

# Which event a status is; a run that ends in another way than these has failed or been completed.
_TYPES: dict[str, EventType] = {
    JobStatus.QUEUED: EventType.RUN_QUEUED,
    JobStatus.PROCESSING: EventType.RUN_STARTED,
    JobStatus.FAILURE: EventType.RUN_FAILED,
    JobStatus.FAILED: EventType.RUN_FAILED,
    JobStatus.NEEDS_CONFIRMATION: EventType.RUN_NEEDS_CONFIRMATION,
}


def emit_status(run: Run) -> None:
    """Emit that a run has the status that was just written. Called inside the transaction that writes it."""
    types = [_TYPES.get(run.status, EventType.RUN_COMPLETED)]
    if run.removals_held and EventType.RUN_COMPLETED in types:
        types.append(EventType.RUN_NEEDS_CONFIRMATION)

    def build() -> list[NewEvent]:
        connection = run.connection
        data = _data(run)
        connections = [connection.pk] if connection else []
        return [NewEvent(type_, data, [run.export_id], connections) for type_ in types]

    emit(types, build)


def emit_drift(comparison: ListComparison, title: str) -> None:
    """Emit that a list differs more than LIST_DRIFT_PERCENT allows. Called inside the transaction of the alert."""

    def build() -> list[NewEvent]:
        state = comparison.list_state
        exports = exports_to(state)
        data = {
            "list": {"id": state.list_id, "title": title},
            "exports": [_named(export) for export in exports],
            "contacts": comparison.contacts,
            "other_state": comparison.other_state,
            "other_data": comparison.other_data,
            "gone": comparison.gone,
        }
        scope = _scope(exports)
        return [NewEvent(EventType.LIST_DRIFT, data, scope.export_ids, scope.connection_ids)]

    emit([EventType.LIST_DRIFT], build)


def scope_of_export(key: str) -> Scope:
    """Return the scope of alerts about an export: it, and its connection."""
    return _scope(Export.objects.filter(pk=key))


def scope_of_list(key: str) -> Scope:
    """Return the scope of alerts about a list: the exports that send to it, and their connections."""
    state = ListState.objects.filter(pk=key).first()
    return _scope(exports_to(state) if state else ())


def _scope(exports: Iterable[Export]) -> Scope:
    found = list(exports)
    connections = {export.connection_id for export in found if export.connection_id}
    return Scope([export.pk for export in found], sorted(connections))


def exports_to(state: ListState) -> list[Export]:
    """Return the exports that send to a list now, over a connection to its account."""
    found = Export.objects.filter(list_id=state.list_id, connection__isnull=False).select_related("connection")
    return [each for each in found.order_by("pk") if each.connection and each.connection.account == state.account]


def _named(export: Export) -> dict[str, object]:
    return {"id": export.pk, "name": export.name}


def _data(run: Run) -> dict[str, object]:
    connection = run.connection
    moments = {"queued_at": run.created_at, "started_at": run.started_at, "finished_at": run.finished_at}
    return {
        "run": {
            "id": run.pk,
            "number": run.number,
            "kind": run.kind,
            "trigger": run.trigger,
            "status": run.status,
            "reason": run.reason,
            "will_retry": run.next_try_at is not None,
            "url": absolute_url(reverse("exports:run", args=[run.pk])),
            **{name: moment and moment.isoformat() for name, moment in moments.items()},
        },
        "export": _named(run.export),
        "connection": {"id": connection.pk, "name": connection.name} if connection else None,
        "results": summary.of_run(run).as_numbers(),
    }
