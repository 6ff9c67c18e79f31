"""Notice that fields of a list changed since the last run: retyped, without an option, or deleted and made again.

Values that were sent before are gone then, although the contacts have not changed; so they are all sent again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from django.db.models import QuerySet

from config.platform.jobs.models import JobStatus
from connections import credentials, vault
from connections.destinations.errors import DestinationError
from connections.destinations.values import TargetField
from connections.models import Connection
from exports.models import BatchStatus, Run, RunKind
from exports.models.snapshot import RunSnapshot

logger = logging.getLogger(__name__)

_SAMPLE = 3
_LOOKED_AT = 50


@dataclass(frozen=True)
class ListChanges:
    """The keys of fields that differ from the last run to the same list. Values of ``changed`` fields are gone;
    ``extended`` fields have more options. Of ``emptied`` fields, which were found empty so far, values are not
    sent a second time."""

    changed: Sequence[str] = ()
    emptied: Sequence[str] = ()
    extended: Sequence[str] = ()


def find(run: Run, connection: Connection, snapshot: RunSnapshot) -> ListChanges:
    """Compare the mapped fields with those of the last run to the same list."""
    extended = _extended(run, connection, snapshot)
    before = _last_run(run, connection)
    if before is None:
        return ListChanges(extended=extended)
    keys = _sent_in_both(before.snapshot, snapshot)
    changed = [key for key in keys if _is_changed(_field(before.snapshot, key), _field(snapshot, key))]
    emptied = list(before.snapshot.emptied_fields)
    asked = [key for key in keys if key not in emptied and key not in changed]
    try:
        found = _emptied(run, connection, asked) if asked else []
    except (DestinationError, vault.NotConnected) as error:
        logger.warning("run %s: contacts could not be looked up: %s", run.pk, error)
        found = []
    extended = [key for key in keys if _is_extended(_field(before.snapshot, key), _field(snapshot, key))]
    return ListChanges(changed + found, emptied + found, extended)


def _extended(run: Run, connection: Connection, snapshot: RunSnapshot) -> list[str]:
    """The mapped fields with more options than at the last plan. Also a run that failed or was canceled may have
    sent contacts without values, by the options of its plan."""
    planned = _runs_to_list(run)
    planned = planned.filter(account=connection.account, planned_at__isnull=False).exclude(pk=run.pk)
    last = planned.order_by("-pk").first()
    if last is None:
        return []
    keys = _sent_in_both(last.snapshot, snapshot)
    return [key for key in keys if _is_extended(_field(last.snapshot, key), _field(snapshot, key))]


def _sent_in_both(before: RunSnapshot, now: RunSnapshot) -> list[str]:
    """The keys of fields that get values of attributes by both settings, or both times the control group. Their
    attributes may have been renamed since."""
    sent = {(pair.field_key, bool(pair.attribute)) for pair in now.sent_mapping}
    return [pair.field_key for pair in before.sent_mapping if (pair.field_key, bool(pair.attribute)) in sent]


def _last_run(run: Run, connection: Connection) -> Run | None:
    ended = _runs_to_list(run)
    ended = ended.filter(account=connection.account, status__in=(JobStatus.SUCCESSFUL, JobStatus.WARNINGS))
    return ended.filter(kind=RunKind.EXPORT).order_by("-pk").first()


def _field(snapshot: RunSnapshot, key: str) -> TargetField | None:
    return next((field for field in snapshot.fields if field.key == key), None)


def _is_changed(before: TargetField | None, now: TargetField | None) -> bool:
    if before is None or now is None:
        return False
    return before.data_type != now.data_type or bool(set(before.options) - set(now.options))


def _is_extended(before: TargetField | None, now: TargetField | None) -> bool:
    return bool(set(now.options if now else ()) - set(before.options if before else ()))


def _emptied(run: Run, connection: Connection, keys: Sequence[str]) -> list[str]:
    """Look up contacts whose values were sent last: the fields that are empty for all of them."""
    if not connection.destination.capabilities.reads_people:
        return []
    access = credentials.access(connection)
    missing: dict[str, bool] = {}
    for email, sent in _sample(run, connection, keys):
        empty = connection.destination.empty_fields(access, run.target.list_id, email, sent)
        for key in sent:
            missing[key] = missing.get(key, True) and key in empty
        if missing and not any(missing.values()):
            break
    return [key for key in keys if missing.get(key)]


def _sample(run: Run, connection: Connection, keys: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Contacts of the latest batch that was sent, each with the fields that had a value."""
    sent = _runs_to_list(run).filter(delivered__gt=0)
    last = sent.filter(account=connection.account).order_by("-pk").first()
    batches = last.batches.filter(status=BatchStatus.DONE, converted=False, delivered__gt=0) if last else None
    batch = batches.order_by("number").first() if batches is not None else None
    if last is None or batch is None:
        return []
    refused = set(last.outcomes.filter(batch_number=batch.number).values_list("email", flat=True))
    order = last.snapshot.mapped_fields
    found: list[tuple[str, list[str]]] = []
    for email, payload in list(zip(batch.emails, batch.payloads, strict=True))[:_LOOKED_AT]:
        values = dict(zip(order, orjson.loads(payload) if payload else (), strict=False))
        filled = [key for key in keys if values.get(key) not in (None, "")]
        if email and filled and email not in refused:
            found.append((email, filled))
    return sorted(found, key=lambda each: -len(each[1]))[:_SAMPLE]


def _runs_to_list(run: Run) -> QuerySet[Run]:
    """Select the runs of the same export to the same list."""
    runs = Run.objects.exclude(kind=RunKind.LIST_CLEANUP)
    return runs.filter(export=run.export_id, list_id=run.target.list_id)
