"""Send one contact now and show the answer: the first contact of an export with its list.

The export's own plan decides about the contact, so that none is sent that a run would not send. The intention
is written before the request, and the result afterwards; the next run knows both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.db import rolled_back
from config.platform.jobs import clock, deadline
from config.platform.text.addresses import comparable_email
from connections import credentials
from connections.destinations.errors import DestinationError, NeedsAdministrator
from connections.destinations.values import (
    BatchOperation,
    BatchReceipt,
    Incomplete,
    ListOptIn,
    Mark,
    ProfileRefusal,
    RefusalKind,
    SendSettings,
    Violation,
)
from connections.models import Connection
from connections.vault import NotConnected, mark_reconnect_needed
from exports import policies
from exports.models import (
    LEARNED,
    DeliveredSet,
    Export,
    Origin,
    Refused,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)
from exports.models.snapshot import RunSnapshot
from exports.policies import Refusal
from exports.privacy import disclosures
from exports.reporting import messages
from exports.results import left_out_values, removals
from exports.results.rejections import match_rows
from exports.run import plan
from exports.selection.diff import UnchangedRows
from exports.state import plan_action, run_settings
from exports.state.known_list import CHANGE_SENDER, KnownList
from exports.state.plan_action import OPERATIONS, UNKNOWN_DATA, UNMATCHED, WANTED, PlanAction
from segments import audience
from segments.privacy import erase


@dataclass(frozen=True)
class Answer:
    """What became of the one person. ``taken`` is None while that is not known."""

    email: str = field(repr=False)
    taken: bool | None
    sentence: str
    http_status: int | None = None
    seconds: float = 0.0
    is_new: bool = False  # to the list, as it says
    was_added_again: bool | None = None  # after it had been removed; None where the list does not tell
    payload: str = field(default="", repr=False)  # exactly as sent
    refusal: ProfileRefusal | None = field(default=None, repr=False)
    left_out: Sequence[Violation] = ()  # the values that the list cannot hold


@dataclass(frozen=True)
class _One:
    profile_id: int
    email: str
    mapped: list[Any] = field(repr=False)
    data_hash: str
    action: PlanAction
    mark_field: str  # that carries a mark which goes now; empty for none

    @property
    def operation(self) -> BatchOperation:
        """How they are sent: as a run would do it, whether or not something has changed."""
        return OPERATIONS.get(self.action, BatchOperation.SEND)


def send_one(export: Export, *, person: str, by: User) -> Answer:
    """Send the member of the export's segments whose address (or whose number among the customers) is ``person``.
    Raises Refusal, with a sentence, when no contact is sent, or when this process stood still for so long that
    other work may have gone on: the contact counts as unknown then, if a request had left."""
    try:
        with deadline.within_one_lease():
            return _send_one(export, person=person, by=by)
    except deadline.LeaseExpired as expired:
        raise Refusal(_("The request timed out. Nothing more was sent. Try again.")) from expired


def _send_one(export: Export, *, person: str, by: User) -> Answer:
    policies.check_can_run(export)
    connection = export.connection
    if connection is None:
        raise Refusal(_("This export has no connection. Choose one first."))
    snapshot = _snapshot(export, connection)
    one = _find(export, connection, snapshot, _wanted(person))
    settings = replace(run_settings.send_settings(export.list_id, snapshot), operation=one.operation)
    payload = connection.destination.preparer(settings)(one.email, one.mapped)
    if isinstance(payload, Violation):
        raise Refusal(payload.message)
    left_out: Sequence[Violation] = ()
    if isinstance(payload, Incomplete):
        left_out, payload = payload.left_out, payload.payload
    if one.mark_field:
        payload = connection.destination.payload_without_mark(payload, Mark(one.mark_field, ""))
    known, is_known = _note_intention(export, connection, one, by)
    answer = replace(_send(connection, settings, one, payload), left_out=left_out)
    if answer.taken is not None:
        _keep(known, one, answer, [pair.field_key for pair in settings.mapping], is_known=is_known)
    return answer


def _snapshot(export: Export, connection: Connection) -> RunSnapshot:
    """The settings of the export, checked against the list as it is now."""
    try:
        details = connection.destination.list_details(credentials.access(connection), export.list_id)
    except DestinationError as error:
        raise Refusal(error.sentence) from error
    except NotConnected as error:
        raise Refusal(str(error)) from error
    if missing := run_settings.missing_fields(export, details):
        raise Refusal(run_settings.missing_fields_sentence(missing))
    if unanswered := run_settings.unanswered(export, connection.destination.questions()):
        raise Refusal(_("Choose: %(questions)s.") % {"questions": ", ".join(unanswered)})
    if details.opt_in == ListOptIn.CONFIRMED and not export.opt_in_mail_accepted:
        raise Refusal(
            _(
                "This list emails new contacts to confirm. Accept that in the settings of the export, "
                "then try again."
            )
        )
    return run_settings.freeze(export, details)


def _find(export: Export, connection: Connection, snapshot: RunSnapshot, person: str) -> _One:
    """Find the contact and its action in the plan. Raises Refusal for contacts that a run would not send."""
    with rolled_back():
        with_values = UnchangedRows.WITH_VALUES
        plan.compute_diff(snapshot, connection.account, export.list_id, export.pk, unchanged=with_values)
        found = _rows(person)
        _check_contract(connection)
    if not found:
        raise Refusal(_("No member of the segments of this export has this email address."))
    profile_id, email, mapped, data_hash, action, mark_field = found[0]
    if action not in WANTED:
        raise Refusal(_("A run would not send this contact: %(why)s") % {"why": _why(action)})
    return _One(profile_id, email, orjson.loads(mapped), data_hash, PlanAction(action), mark_field)


def _wanted(person: str) -> str:
    """Give the address that was typed its normal form; the number of a customer stays as it is."""
    return comparable_email(person) or person.strip().lower()


def _rows(person: str) -> list[tuple[Any, ...]]:
    column = "profile_id" if person.isdecimal() else "email"
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT profile_id, email, mapped, data_hash::text, action, mark_field FROM plan WHERE {column} = %s"  # noqa: S608
            " ORDER BY action = 'duplicate' LIMIT 1",
            [person],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _check_contract(connection: Connection) -> None:
    """Refuse when the contract of the connection is used up: it counts whole plans."""
    limit = connection.limited.most_people
    if limit is not None and plan.contacts_over(connection) > limit:
        raise Refusal(_("The export has more contacts than the contract of its connection allows."))


_CODES: dict[str, str] = {
    PlanAction.DUPLICATE: plan_action.DUPLICATE,
    PlanAction.EXCLUSION: plan_action.EXCLUSION,
    PlanAction.NO_CONSENT: plan_action.NO_CONSENT,
    PlanAction.CONTROL: plan_action.CONTROL_GROUP,
}


def _why(action: str) -> str:
    code = _CODES.get(action, plan_action.BAD_EMAIL)
    return str(messages.text_of_code(code) or action)


@transaction.atomic
def _note_intention(export: Export, connection: Connection, one: _One, by: User) -> tuple[KnownList, bool]:
    """Write that this person goes out now, and who lets them. Returns what is known of the list, and whether its
    state held the contact before. Raises Refusal when the person has just been erased."""
    if not _is_still_there(one):
        raise Refusal(_("The customer profile of this contact was just erased."))
    known, _created = DeliveredSet.objects.get_or_create(
        export=export, account=connection.account, list_id=export.list_id
    )
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO exports_syncedcontact (list_state_id, email, data_hash, sent_by, last_run_id)"
            " VALUES (%s, %s, %s, %s, 0) ON CONFLICT DO NOTHING",
            [known.list_state_id, one.email, UNKNOWN_DATA, export.pk],
        )
        is_known = cursor.rowcount == 0
    disclosures.write_one(export, connection.account, export.list_id, one.email)
    record("export.one_person_sent", export, by=by, changes={"customer": (None, one.profile_id)})
    return KnownList.of(known), is_known


def _send(connection: Connection, settings: SendSettings, one: _One, payload: str) -> Answer:
    try:
        access = credentials.access(connection)
        with connection.destination.open_sender(access) as sender:
            receipt = sender.send([payload], settings)
        if connection.destination.capabilities.publishes:
            connection.destination.publish(access, settings)
    except DestinationError as error:
        if isinstance(error, NeedsAdministrator):
            mark_reconnect_needed(connection, error.sentence)
        return Answer(one.email, None, error.sentence, error.http_status, payload=payload)
    return _answer(one, payload, receipt)


@transaction.atomic
def _keep(known: KnownList, one: _One, answer: Answer, fields: Sequence[str], *, is_known: bool) -> None:
    """Record the result as a run would, so that the next run neither repeats nor forgets it. Nothing is kept of
    a person who was erased meanwhile."""
    if not _is_still_there(one):
        return
    if answer.refusal:
        _keep_refusal(known, one, answer.refusal)
    else:
        _keep_delivered(known, one)
        left_out_values.keep_of_one(known, one.email, fields, answer.left_out)
        _keep_origin(known, one, answer)
    removals.record_one_reactivation(
        known.list_state_id,
        one.email,
        one.operation,
        answer.refusal.kind if answer.refusal else None,
        is_known=is_known,
        was_added=answer.was_added_again,
    )


def _keep_delivered(known: KnownList, one: _One) -> None:
    """What another export has sent may be written over by this: it is unknown from now on."""
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE exports_syncedcontact contact
               SET data_hash = CASE WHEN sent_by = %(export)s THEN data_hash ELSE %(unknown)s END,
                   other_hashes = CASE WHEN other_hashes IS NOT NULL
                                       THEN array_fill(%(unknown)s::uuid, ARRAY[cardinality(other_hashes)]) END
             WHERE list_state_id = %(list)s AND email = %(email)s AND data_hash <> %(hash)s;
            INSERT INTO exports_syncedcontact AS contact (list_state_id, email, data_hash, sent_by, last_run_id)
            VALUES (%(list)s, %(email)s, %(hash)s, %(export)s, 0)
                ON CONFLICT (list_state_id, email) DO UPDATE SET {CHANGE_SENDER}
            """,  # noqa: S608 - only our own fragments are put in
            {
                "list": known.list_state_id,
                "export": known.export_id,
                "email": one.email,
                "hash": one.data_hash,
                "unknown": UNKNOWN_DATA,
            },
        )
    Refused.objects.filter(delivered_set=known.delivered_set_id, email=one.email).delete()
    SubscriberStatus.objects.filter(list_state=known.list_state_id, email=one.email).delete()


def _keep_refusal(known: KnownList, one: _One, refusal: ProfileRefusal) -> None:
    """What was delivered before stays known."""
    never_answered = SyncedContact.objects.filter(
        list_state=known.list_state_id, email=one.email, data_hash=UNKNOWN_DATA, origin=Origin.UNKNOWN
    )
    never_answered.delete()
    shown = SubscriberStatus.objects.filter(list_state=known.list_state_id, email=one.email, source__in=LEARNED)
    if refusal.kind == RefusalKind.SUPPRESSED and not shown.exists():
        SubscriberStatus.objects.update_or_create(
            list_state_id=known.list_state_id,
            email=one.email,
            defaults={
                "code": refusal.code,
                "source": StatusSource.SENDING,
                "run_id": 0,
                "known_since": clock.now(),
            },
        )
    Refused.objects.update_or_create(
        delivered_set_id=known.delivered_set_id,
        email=one.email,
        defaults={
            "data_hash": one.data_hash,
            "code": refusal.code,
            "ask_again": refusal.retryable,
            "left": refusal.kind == RefusalKind.SUPPRESSED,
            "last_run_id": 0,
        },
    )


def _keep_origin(known: KnownList, one: _One, answer: Answer) -> None:
    """Whether we have added the contact, which one answer about one contact always tells: new to the list, or
    known there before anything was sent. What is known already stays."""
    origin = (
        Origin.ADDED if answer.is_new else Origin.PRE_EXISTING if one.action == PlanAction.ADD else Origin.UNKNOWN
    )
    contact = SyncedContact.objects.filter(list_state=known.list_state_id, email=one.email, origin=Origin.UNKNOWN)
    contact.update(origin=origin)


def _is_still_there(one: _One) -> bool:
    """Tell whether the person was not erased; no erasure happens until this transaction ends."""
    erase.enter_erasure_barrier()
    return audience.find_profile(one.profile_id) is not None


def _answer(one: _One, payload: str, receipt: BatchReceipt) -> Answer:
    rows = match_rows([one.email], receipt.refusals)
    if rows.unmatched or receipt.unaccounted:
        sentence = str(messages.text_of_code(UNMATCHED))
        return Answer(one.email, None, sentence, receipt.http_status, receipt.seconds, payload=payload)
    if rows.refusals:
        refusal = rows.refusals[0]
        sentence = f"{refusal.message} ({refusal.code})"
        return Answer(
            one.email, False, sentence, receipt.http_status, receipt.seconds, payload=payload, refusal=refusal
        )
    sentence = (
        _("Accepted: added to the list.") if receipt.new else _("Accepted: already on the list, now up to date.")
    )
    is_new = bool(receipt.new)
    was_added = None if receipt.added_again is None else bool(receipt.added_again)
    return Answer(one.email, True, sentence, receipt.http_status, receipt.seconds, is_new, was_added, payload)
