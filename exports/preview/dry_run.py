"""Compute what a run would send and remove, without sending: the plan itself, rolled back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from config.platform.db import limit_statements, rolled_back
from config.platform.jobs import leases
from connections import credentials, lookups, vault
from connections.destinations.base import Destination
from connections.destinations.values import BatchOperation, ListDetails, SendSettings, TargetField
from connections.models import Connection
from exports import policies
from exports.batches.writer import BatchContact
from exports.models import DeliveredSet, Export, ExportPreview, Run
from exports.models.snapshot import ControlSettings, RunOptions, RunSnapshot, SegmentSnapshot
from exports.removal import removal_plan, removal_reasons
from exports.removal.removal_plan import Removals
from exports.results import contact_blocks
from exports.results.summary import ContactKind
from exports.run import plan
from exports.selection.plan_counts import PlanCounts
from exports.state import known_list, run_settings
from segments import audience
from segments.privacy import erase


class PersonErased(Exception):
    """A person was erased while a preview was computed. Compute it again."""


@dataclass(frozen=True)
class SentValue:
    """What a field of the list would get, and the values of the profile that it is made of; empty without any."""

    field: str
    given: str
    sent: str


@dataclass(frozen=True)
class FirstContact:
    """A contact exactly as it would be sent, with the values that it is made of."""

    email: str
    payload: str
    values: Sequence[SentValue]


@dataclass(frozen=True)
class Preview:
    """The counts of a plan and its first contacts, exactly as they would be sent."""

    list_details: ListDetails
    plan_counts: PlanCounts
    calls: int  # that carry people to the list
    removals: Removals
    calls_to_remove: int
    over_connection: int | None  # people of all exports, where the contract of the connection counts them
    left_before: int  # of the still refused: contacts that the list keeps unchanged
    contacts: list[FirstContact]
    violations: list[tuple[str, str]]  # address and sentence, among the first people
    leaving: list[str]  # the first addresses of contacts to remove, also where they would be held
    left_out: list[str]  # sentences about values that the list cannot hold, among the first people


@dataclass(frozen=True)
class UnsavedExport:
    """The settings that a plan can be computed from before they are saved. ``export_id`` is None for a new
    export."""

    connection: Connection
    list_id: str
    segment_ids: Sequence[int]
    email_attribute: str
    mapping: Sequence[Mapping[str, str]] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[TargetField] = ()
    control: ControlSettings = field(default_factory=ControlSettings)
    export_id: int | None = None


def count_unsaved(unsaved: UnsavedExport, *, patience_seconds: float = 15.0) -> PlanCounts | None:
    """Count what would be sent as things are now, contacts that are new to the export among them. None when
    that takes longer than a person at a page waits."""
    questions = unsaved.connection.destination.questions()
    snapshot = replace(
        run_settings.what_is_sent(unsaved.mapping, unsaved.answers, questions, unsaved.fields),
        segments=[SegmentSnapshot(segment_id) for segment_id in unsaved.segment_ids],
        email_attribute=unsaved.email_attribute,
        required_attribute=unsaved.connection.limited.required_attribute,
        control=unsaved.control,
    )
    try:
        with rolled_back():
            limit_statements(patience_seconds)
            return plan.compute_diff(snapshot, unsaved.connection.account, unsaved.list_id, unsaved.export_id)
    except OperationalError:
        return None


def preview(
    export: Export, *, first: int = 20, patience_seconds: float = 600.0, job: ExportPreview | None = None
) -> Preview:
    """Compute the plan of ``export`` as it is now; its contacts are kept for ``job`` if it is given.

    Raises DestinationError or NotConnected, OperationalError when a query takes longer than
    ``patience_seconds``, and with ``job`` PersonErased and LeaseLost."""
    erased_until = erase.last_erasure()
    connection = export.connection
    if connection is None:
        raise vault.NotConnected("The export has no connection.")
    details = connection.destination.list_details(credentials.access(connection), export.list_id)
    snapshot = run_settings.freeze(export, details)
    settings = run_settings.send_settings(export.list_id, snapshot)
    if job is not None:  # before the transaction: an erasure that waits for it must not wait for these rows
        job.blocks.all().delete()
    with rolled_back() if job is None else transaction.atomic():
        limit_statements(patience_seconds)
        unchanged = plan.rows_for_contract(connection)
        counts = plan.compute_diff(snapshot, connection.account, export.list_id, export.pk, unchanged=unchanged)
        removals = _removals(export, connection.account, snapshot)
        leaving = removal_plan.first_to_remove(first) if removals.to_remove or removals.held else []
        counted = connection.limited.most_people is not None
        over_connection = plan.contacts_over(connection) if counted else None
        known = known_list.find(export.pk, connection.account, export.list_id)
        left_before = contact_blocks.count_suppressed(known)
        found = list(plan.contacts_to_send(connection.destination, settings, limit=first))
        if job is not None:
            _keep_contacts(job, export, snapshot, connection.account, removals, erased_until=erased_until)
    contacts = [each for each in found if isinstance(each, BatchContact)]
    return Preview(
        list_details=details,
        plan_counts=counts,
        calls=math.ceil(counts.to_send / connection.destination.capabilities.batch_rows),
        removals=removals,
        calls_to_remove=_calls_to_remove(connection, export, removals),
        over_connection=over_connection,
        left_before=left_before,
        contacts=_first_contacts(connection.destination, settings, contacts),
        violations=[(each[1], each[2].message) for each in found if isinstance(each, tuple)],
        leaving=leaving,
        left_out=[value.message for contact in contacts for value in contact.left_out],
    )


def check_erasures(erased_until: int) -> None:
    """Enter the erasure barrier until this transaction ends. Raises PersonErased when there was an erasure after
    the one with the ID ``erased_until``."""
    erase.enter_erasure_barrier()
    if erase.last_erasure() != erased_until:
        raise PersonErased


def _first_contacts(
    destination: Destination, settings: SendSettings, contacts: Sequence[BatchContact]
) -> list[FirstContact]:
    values = [pair.value for pair in settings.mapping]
    given = audience.given_values([contact.profile_id for contact in contacts], values)
    labels = {field.key: field.label for field in settings.fields}
    first = []
    for contact in contacts:
        sent = destination.sent_values(contact.payload, settings)
        texts = zip(settings.mapping, given.get(contact.profile_id, [""] * len(values)), strict=True)
        rows = [
            SentValue(labels.get(pair.field_key, pair.field_key), text, sent.get(pair.field_key, ""))
            for pair, text in texts
        ]
        first.append(FirstContact(contact.email, contact.payload, rows))
    return first


def _removals(export: Export, account: str, snapshot: RunSnapshot) -> Removals:
    """Count the contacts that a run would remove, by the plan of this transaction."""
    known = DeliveredSet.objects.filter(export=export, account=account, list_id=export.list_id).first()
    run = Run(export=export, account=account, list_id=export.list_id, snapshot=snapshot)
    return removal_plan.count_removals(run, known) if known else Removals()


def _keep_contacts(
    job: ExportPreview,
    export: Export,
    snapshot: RunSnapshot,
    account: str,
    removals: Removals,
    *,
    erased_until: int,
) -> None:
    """Keep the contacts of the plan of this transaction. Call it last. Raises PersonErased and LeaseLost."""
    known = known_list.find(export.pk, account, export.list_id)
    removal = None
    if removals.held or removals.to_remove:
        removal_reasons.explain(snapshot, removal_reasons.last_segments(export.pk))
        removal = ContactKind.AWAITING_CONFIRMATION if removals.held else ContactKind.NOT_REMOVED
    contact_blocks.keep_of_preview(job, known, removal=removal)
    check_erasures(erased_until)
    leases.lock_attempt(job)  # last, since the lease is not renewed while the row is locked


def _calls_to_remove(connection: Connection, export: Export, removals: Removals) -> int:
    if not removals.to_remove:
        return 0
    return connection.destination.calls_to_remove(BatchOperation(export.removal), removals.to_remove)


@dataclass(frozen=True)
class Estimate:
    """The counts of a plan, its removals and its requests; ``opt_in_mails`` are sent by the list to contacts who
    have to confirm."""

    plan_counts: PlanCounts
    removals: Removals
    calls: int
    calls_to_remove: int
    opt_in_mails: int


def estimate(export: Export, options: RunOptions) -> Estimate:
    """Compute the plan of ``export`` as it is now, and roll it back. Raises policies.Refusal when it cannot be
    computed."""
    connection = export.connection
    if connection is None:
        raise policies.Refusal(_("This export has no connection. Choose one first."))
    lookup = lookups.look_up(connection, export.list_id)
    if lookup.details is None:
        raise policies.Refusal(lookup.trouble)
    snapshot = replace(run_settings.freeze(export, lookup.details), options=options)
    run = Run(export=export, account=connection.account, list_id=export.list_id, snapshot=snapshot)
    with rolled_back():
        counts = plan.compute_diff(snapshot, connection.account, export.list_id, export.pk)
        states = DeliveredSet.objects.filter(export=export, account=connection.account, list_id=export.list_id)
        known = states.first()
        removals = removal_plan.count_removals(run, known) if known else Removals()
    calls = math.ceil(counts.to_send / connection.destination.capabilities.batch_rows)
    emailed = counts.add + counts.readd if snapshot.confirmed_opt_in else 0
    return Estimate(counts, removals, calls, _calls_to_remove(connection, export, removals), emailed)
