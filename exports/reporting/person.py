"""Find a contact by address: its segments in each export, the data last sent and when, and the response of the
list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import connection as database
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.text.addresses import comparable_email
from exports.batches import encode
from exports.models import (
    IMPORTED,
    LEARNED,
    DeliveredSet,
    Export,
    ImportedSuppression,
    Outcome,
    OutcomeKind,
    Refused,
    RemovedContact,
    Run,
    SubscriberStatus,
    SyncedContact,
)
from exports.permissions import user_can_manage
from exports.reporting import messages
from exports.reporting.exclusions import Exclusion, find_exclusions
from exports.state.plan_action import UNKNOWN_DATA
from segments import audience
from segments.audience import EmailMatch


class ContactStatus(StrEnum):
    """The result of a contact with one export, as far as it is known."""

    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    REJECTED = "rejected"
    UNANSWERED = "unanswered"
    REMOVED = "removed"
    EXCLUDED = "excluded"
    NOT_SENT = "not_sent"


LABELS: dict[ContactStatus, str | Promise] = {
    ContactStatus.DELIVERED: _("Delivered"),
    ContactStatus.SUPPRESSED: _("Suppressed"),
    ContactStatus.REJECTED: _("Rejected"),
    ContactStatus.UNANSWERED: _("Sent, no response"),
    ContactStatus.REMOVED: _("Removed from the list"),
    ContactStatus.EXCLUDED: _("Excluded"),
    ContactStatus.NOT_SENT: _("Not attempted"),
}


@dataclass(frozen=True)
class Sent:
    """What a run's batch holds of a person."""

    at: datetime | None
    payload: str


@dataclass(frozen=True)
class ContactOfExport:
    """A contact and one export. ``may_ask``: the list knows the contact from it, and the user may ask the list."""

    export: Export
    segments: Sequence[str]
    status: ContactStatus
    run: Run | None
    answer: str
    sent: Sent | None
    may_ask: bool
    keeps_status: bool  # whether the destination can be asked about contacts at all
    elsewhere: Sequence[str]  # lists that the export has left, and that it knows to hold them
    exclusion: Exclusion | None  # by the last run, of a contact that the list does not have

    @property
    def is_concerned(self) -> bool:
        return bool(self.segments or self.elsewhere or self.status != ContactStatus.NOT_SENT)

    @property
    def was_sent(self) -> bool:
        return self.status not in (ContactStatus.NOT_SENT, ContactStatus.EXCLUDED)

    @property
    def label(self) -> str | Promise:
        return LABELS[self.status]


@dataclass(frozen=True)
class ContactReport:
    """The profiles with an address, and its result with each export."""

    email: str
    holders: Sequence[EmailMatch]
    exports: Sequence[ContactOfExport]


def look_up(text: str, *, by: User) -> ContactReport:
    """Report on the address ``text``, in a number of queries that does not grow with the exports."""
    email = comparable_email(text) or text.strip().lower()
    exports = list(Export.objects.select_related("connection").prefetch_related("segments").order_by("name"))
    holders = audience.profiles_with_email(email, {export.email_attribute for export in exports})
    known = _Known(email, [one.id for one in holders])
    found = [_contact_of_export(export, holders, known, by) for export in exports]
    return ContactReport(email, holders, [each for each in found if each.is_concerned])


class _Known:
    """What is stored about one address: by list state, and by the list that an export sends to."""

    def __init__(self, email: str, profile_ids: Sequence[int]) -> None:
        self.contacts = {row.list_state_id: row for row in SyncedContact.objects.filter(email=email)}
        self.removed = {row.list_state_id: row for row in RemovedContact.objects.filter(email=email)}
        self.statuses = {row.list_state_id: row for row in SubscriberStatus.objects.filter(email=email)}
        self.imported = set(ImportedSuppression.objects.filter(email=email).values_list("list_state", flat=True))
        refused = Refused.objects.filter(email=email)
        self.refused = {row.delivered_set_id: row for row in refused}
        known = DeliveredSet.objects.filter(list_state__in={*self.contacts, *self.removed})
        self.sets = list(known | DeliveredSet.objects.filter(pk__in=self.refused))
        run_ids = {row.last_run_id for row in self.contacts.values()}
        run_ids |= {row.last_run_id for row in self.refused.values()}
        run_ids |= {row.run_id for row in self.removed.values()}
        run_ids |= {row.run_id for row in self.statuses.values()}
        self.runs: Mapping[int, Run] = Run.objects.in_bulk(run_ids)
        self.exclusions = {each.run.export_id: each for each in find_exclusions(profile_ids)}
        self.answers = dict(_answers(email, run_ids))
        self.sent = _sent(email, self.runs)

    def delivered_set(self, export: Export) -> DeliveredSet | None:
        """Return what the export knows of the list that it sends to now, if that concerns the address."""
        account = export.connection.account if export.connection else ""
        place = export.pk, account, export.list_id
        return next((each for each in self.sets if (each.export_id, each.account, each.list_id) == place), None)

    def contact(self, known: DeliveredSet) -> SyncedContact | None:
        """Return the contact on a list, if this export ever wanted it there."""
        found = self.contacts.get(known.list_state_id)
        return found if found and known.export_id in found.exports else None

    def learned(self, export: Export) -> str:
        """Return why the list suppresses the contact, where no run was told; empty where it does not."""
        here = self.delivered_set(export)
        if here is not None and here.list_state_id in self.imported:
            return str(messages.text_of_code(IMPORTED))
        status = self.statuses.get(here.list_state_id) if here else None
        return str(messages.text_of_code(status.code)) if status and status.source in LEARNED else ""

    def elsewhere(self, export: Export) -> list[DeliveredSet]:
        """Return the lists that the export has left, with the address as a contact that it wanted."""
        here = self.delivered_set(export)
        return [each for each in self.sets if each.export_id == export.pk and each != here and self.contact(each)]


def _answers(email: str, run_ids: set[int]) -> list[tuple[int, str]]:
    """Return the responses of lists by run; results that the plan decides are none."""
    decided_by_plan = (
        *(OutcomeKind.INVALID, OutcomeKind.DUPLICATE, OutcomeKind.EXCLUSION, OutcomeKind.NO_CONSENT),
        *(OutcomeKind.CONTROL, OutcomeKind.INCOMPLETE),
    )
    outcomes = (
        Outcome.objects.filter(run_id__in=run_ids, email=email).exclude(kind__in=decided_by_plan).order_by("pk")
    )
    return [(outcome.run_id, messages.text_of_outcome(outcome)) for outcome in outcomes]


def _sent(email: str, runs: Mapping[int, Run]) -> dict[int, Sent]:
    """Return what the batches of runs sent of the contact; nothing once they are no longer stored."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT run_id, sent_at, payloads[array_position(emails, %s)], converted FROM exports_batch
             WHERE run_id = ANY (%s) AND status <> 'split' AND emails @> ARRAY[%s]::text[] ORDER BY number
            """,
            [email, list(runs), email],
        )
        rows = cursor.fetchall()
    sent: dict[int, Sent] = {}
    for run_id, sent_at, payload, converted in rows:
        run = runs[run_id]
        read = None if converted else encode.reader(run.account, run.list_id, run.snapshot)
        sent[run_id] = Sent(sent_at, read(email, payload) if read else payload)
    return sent


def _contact_of_export(export: Export, holders: Sequence[EmailMatch], known: _Known, by: User) -> ContactOfExport:
    status, run_id = _status(export, known)
    exclusion = known.exclusions.get(export.pk) if status is ContactStatus.NOT_SENT else None
    reads = export.connection is not None and export.connection.destination.capabilities.reads_people
    return ContactOfExport(
        export=export,
        segments=[
            segment.name
            for segment in export.segments.all()
            if any(segment.pk in one.segment_ids and export.email_attribute in one.attributes for one in holders)
        ],
        status=ContactStatus.EXCLUDED if exclusion else status,
        run=known.runs.get(run_id),
        answer=known.answers.get(run_id, "") or known.learned(export),
        sent=known.sent.get(run_id),
        may_ask=status != ContactStatus.NOT_SENT and reads and user_can_manage(by, export),
        keeps_status=reads,
        elsewhere=[each.title for each in known.elsewhere(export)],
        exclusion=exclusion,
    )


def _status(export: Export, known: _Known) -> tuple[ContactStatus, int]:
    here = known.delivered_set(export)
    if here is None:
        return ContactStatus.NOT_SENT, 0
    if refused := known.refused.get(here.pk):
        return ContactStatus.SUPPRESSED if refused.left else ContactStatus.REJECTED, refused.last_run_id
    if contact := known.contact(here):
        status = known.statuses.get(here.list_state_id)
        if status or here.list_state_id in known.imported:
            return ContactStatus.SUPPRESSED, status.run_id if status else 0
        unanswered = contact.data_hash == UNKNOWN_DATA and contact.sent_by == export.pk
        return ContactStatus.UNANSWERED if unanswered else ContactStatus.DELIVERED, contact.last_run_id
    removed = known.removed.get(here.list_state_id)
    if removed and export.pk in removed.exports:
        return ContactStatus.REMOVED, removed.run_id
    return ContactStatus.NOT_SENT, 0
