"""Answer subject access requests and erasures for exports."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
from django.db import connection as database
from django.urls import reverse

from config.platform.jobs.models import JobStatus
from connections import destinations
from connections.models import Account
from exports.batches import encode
from exports.models import (
    DisclosedList,
    Export,
    ExportPreview,
    ImportedSuppression,
    ListComparison,
    ListDrift,
    ListedContact,
    ListState,
    Outcome,
    PersonRemoval,
    Refused,
    RemovedContact,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)
from exports.models.snapshot import RunSnapshot
from exports.privacy import disclosures, list_removal
from exports.privacy import erasure as privacy_erasure
from exports.reporting.exclusions import find_exclusions
from segments.hooks import ContactedList, ExcludedMember, ListRemoval, PersonalData
from segments.models import Erasure
from segments.privacy.subjects import Subject

_SENT = (
    *("export", "run", "connection", "list", "account", "list_id"),
    *("batch", "status", "sent_at", "address", "data"),
)


class ExportsPersonalData(PersonalData):
    """What exports hold of a person: plans, batches, outcomes, list state, and disclosures."""

    def email_attributes(self) -> Collection[str]:
        return set(Export.objects.values_list("email_attribute", flat=True).distinct())

    def look_up_url(self) -> str:
        return reverse("exports:person")

    def report(self, subject: Subject) -> Mapping[str, object]:
        in_blocks = _in_blocks(subject)
        return {
            "sent": _sent(subject),
            "outcomes": [*_outcomes(subject), *(row for row in in_blocks if row["run"] is not None)],
            "in_previews": [*_in_previews(subject), *(row for row in in_blocks if row["run"] is None)],
            "on_lists_by_exports": _on_lists(subject),
            "refused_by_lists": _refused(subject),
            "removed_by_exports": _removed(subject),
            "kept_out_by_lists": _kept_out(subject),
            "differences_on_lists": _differences(subject),
            "read_from_lists": _listed(subject),
        }

    def lists(self, subject: Subject) -> Sequence[ContactedList]:
        found: dict[int, ContactedList] = {}
        for each in disclosures.of_people(subject.email_hashes):
            known = found.get(each.disclosed_list_id)
            first, last = each.first_at, each.last_at
            if known and known.first_at and known.last_at:
                first, last = min(first, known.first_at), max(last, known.last_at)
            found[each.disclosed_list_id] = _contacted(each.disclosed_list, first, last)
        for disclosed, sent_at in _not_settled_yet(subject):
            found.setdefault(disclosed.pk, _contacted(disclosed, sent_at, sent_at))
        return list(found.values())

    def exclusions(self, profile_id: int) -> Sequence[ExcludedMember]:
        return [
            ExcludedMember(
                export=str(each.run.export),
                number=each.run.number,
                url=reverse("exports:run", args=[each.run.pk]),
                reason=each.reason,
            )
            for each in find_exclusions([profile_id])
        ]

    def erase(self, subject: Subject, erasure: Erasure, lists: Collection[str]) -> Mapping[str, int]:
        privacy_erasure.hold_open_runs()  # first, as code that records answers does
        disclosures.write_person(subject)
        removing = list_removal.request(subject, erasure, lists)
        return privacy_erasure.forget(subject) | {"removals": removing}

    def list_removals(self, erasure: Erasure) -> Sequence[ListRemoval]:
        return [
            ListRemoval(
                title=str(job),
                connection=job.connection_name,
                status=job.status,
                status_label=str(JobStatus(job.status).label),
                message=job.message,
                is_open=job.is_open,
            )
            for job in PersonRemoval.objects.filter(erasure_id=erasure.pk)
        ]


def _contacted(disclosed: DisclosedList, first: Any, last: Any) -> ContactedList:
    key = Account.parse(disclosed.account).destination_key
    destination = next((each for each in destinations.all_destinations() if each.key == key), None)
    return ContactedList(
        key=str(disclosed.pk),
        title=str(disclosed),
        destination=str(destination.label) if destination else key,
        connection=disclosed.connection_name,
        first_at=first,
        last_at=last,
        retention=str(destination.keeps_of_removed) if destination else "",
        obstacle=list_removal.why_not(disclosed),
    )


def _not_settled_yet(subject: Subject) -> list[tuple[DisclosedList, datetime | None]]:
    """Return lists that a person was sent to by runs that are under way or have just ended, and when last."""
    return [
        (disclosures.list_of(export, account, list_id), sent_at)
        for export, account, list_id, sent_at, _known_at in disclosures.sent_to(subject)
    ]


def _sent(subject: Subject) -> list[dict[str, Any]]:
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT export.name, run.number, run.snapshot ->> 'connection',
                   run.snapshot ->> 'list_title', run.account,
                   run.list_id, batch.label, batch.status, batch.sent_at, person.email, person.payload,
                   CASE WHEN NOT batch.converted THEN run.snapshot END
              FROM exports_batch batch
              JOIN exports_run run ON run.id = batch.run_id
              JOIN exports_export export ON export.id = run.export_id,
                   unnest(batch.profile_ids, batch.emails, batch.payloads) AS person (profile_id, email, payload)
             WHERE (batch.emails && %(emails)s::text[] OR batch.profile_ids && %(ids)s::bigint[])
               AND (person.email = ANY (%(emails)s) OR person.profile_id = ANY (%(ids)s))
             ORDER BY run.id, batch.number
            """,
            {"emails": list(subject.emails), "ids": subject.profile_ids},
        )
        return [_plain(dict(zip(_SENT, row[:-1], strict=True)), snapshot=row[-1]) for row in cursor.fetchall()]


def _plain(row: dict[str, Any], *, snapshot: str | None) -> dict[str, Any]:
    """``snapshot``: the settings of the run, where the batch keeps mapped values; the data are told as sent."""
    data = row["data"]
    if data and snapshot:
        data = encode.reader(row["account"], row["list_id"], RunSnapshot.from_json(orjson.loads(snapshot)))(
            row["address"], data
        )
    with suppress(orjson.JSONDecodeError):
        data = orjson.loads(data)
    return row | {"data": data, "sent_at": row["sent_at"] and row["sent_at"].isoformat()}


def _outcomes(subject: Subject) -> list[dict[str, Any]]:
    rows = Outcome.objects.filter(profile_id__in=subject.profile_ids) | Outcome.objects.filter(
        email__in=subject.emails
    )
    return [
        {
            "export": row.run.export.name,
            "run": row.run.number,
            "kind": row.kind,
            "code": row.code,
            "field": row.field,
            "message": row.message,
            "address": row.email,
        }
        for row in rows.select_related("run__export").order_by("pk")
    ]


def _in_blocks(subject: Subject) -> list[dict[str, Any]]:
    """Return the results of the person in runs that sent nothing of them, and in previews, whose ``run`` is
    None."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT export.name, run.number, block.kind, block.code, person.email
              FROM exports_contactblock block
              LEFT JOIN exports_run run ON run.id = block.run_id
              LEFT JOIN exports_exportpreview preview ON preview.id = block.preview_id
              JOIN exports_export export ON export.id = coalesce(run.export_id, preview.export_id),
                   unnest(block.profile_ids, block.emails) AS person (profile_id, email)
             WHERE (block.emails && %(emails)s::text[] OR block.profile_ids && %(ids)s::bigint[])
               AND (person.email = ANY (%(emails)s) OR person.profile_id = ANY (%(ids)s))
             ORDER BY block.id
            """,
            {"emails": list(subject.emails), "ids": subject.profile_ids},
        )
        rows = cursor.fetchall()
    return [
        {
            "export": export,
            "run": run,
            "kind": kind,
            "code": code,
            "field": "",
            "message": "",
            "address": email,
        }
        for export, run, kind, code, email in rows
    ]


def _removed(subject: Subject) -> list[dict[str, Any]]:
    rows = list(RemovedContact.objects.filter(email__in=subject.emails).select_related("list_state"))
    names = _names(pk for row in rows for pk in row.exports)
    return [
        {
            "export": ", ".join(names[pk] for pk in row.exports if pk in names),
            "account": row.list_state.account,
            "list_id": row.list_state.list_id,
            "address": row.email,
            "how": row.operation,
        }
        for row in rows
    ]


def _on_lists(subject: Subject) -> list[dict[str, Any]]:
    rows = list(SyncedContact.objects.filter(email__in=subject.emails).select_related("list_state"))
    names = _names(pk for row in rows for pk in row.exports)
    return [
        {
            "export": ", ".join(names[pk] for pk in row.exports if pk in names),
            "account": row.list_state.account,
            "list_id": row.list_state.list_id,
            "address": row.email,
            "data_hash": str(row.data_hash),
        }
        for row in rows
    ]


def _kept_out(subject: Subject) -> list[dict[str, Any]]:
    rows = SubscriberStatus.objects.filter(email__in=subject.emails).select_related("list_state")
    imported = ImportedSuppression.objects.filter(email__in=subject.emails).select_related("list_state")
    return [
        {
            "account": row.list_state.account,
            "list_id": row.list_state.list_id,
            "address": row.email,
            "code": row.code,
            "source": row.source,
            "since": row.since,
            "known_since": row.known_since.isoformat(),
        }
        for row in rows
    ] + [
        _of_list(row.list_state, row.email)
        | {"code": row.code, "source": StatusSource.IMPORT.value, "known_since": row.imported_at.isoformat()}
        for row in imported
    ]


def _differences(subject: Subject) -> list[dict[str, Any]]:
    rows = ListDrift.objects.filter(email__in=subject.emails).select_related("comparison__list_state")
    return [_of_list(row.comparison.list_state, row.email) | {"kind": row.kind, "code": row.code} for row in rows]


def _listed(subject: Subject) -> list[dict[str, Any]]:
    rows = ListedContact.objects.filter(
        comparison__in=ListComparison.objects.all(), email__in=subject.emails
    ).select_related("comparison__list_state")
    return [
        _of_list(row.comparison.list_state, row.email)
        | {"state": row.state, "since": row.since, "values_hash": str(row.values_hash or "")}
        for row in rows
    ]


def _of_list(state: ListState, email: str) -> dict[str, Any]:
    return {"account": state.account, "list_id": state.list_id, "address": email}


def _names(export_ids: Iterable[int]) -> dict[int, str]:
    """The names of exports that are still there, by id."""
    return dict(Export.objects.filter(pk__in=set(export_ids)).values_list("pk", "name"))


def _in_previews(subject: Subject) -> list[dict[str, Any]]:
    return [
        _plain(
            {"export": job.export.name, "address": person["email"], "data": person["payload"], "sent_at": None},
            snapshot=None,
        )
        for job in ExportPreview.objects.exclude(sample=[]).select_related("export").order_by("pk")
        for person in job.sample
        if person["email"] in subject.emails
    ]


def _refused(subject: Subject) -> list[dict[str, Any]]:
    rows = Refused.objects.filter(email__in=subject.emails).select_related("delivered_set__export")
    return [
        {
            "export": row.delivered_set.export.name,
            "account": row.delivered_set.account,
            "list_id": row.delivered_set.list_id,
            "address": row.email,
            "data_hash": str(row.data_hash),
        }
        for row in rows
    ]
