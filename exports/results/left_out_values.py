"""Keep which values a list cannot hold, of contacts that are sent without them: results of the run, and part of
the list state, so that they are sent again as soon as a field of the list can hold them.
"""

from collections.abc import Collection, Mapping, Sequence

from django.db import connection as database
from django.db.models import Count

from config.platform import db
from connections.destinations.values import Violation
from exports.models import IS_REMOVAL, Batch, BatchStatus, Outcome, OutcomeKind, Run, SyncedContact
from exports.state.known_list import KnownList
from exports.state.plan_action import UNKNOWN_DATA

# By address of a contact, the values that it is sent without.
LeftOut = Mapping[str, Sequence[Violation]]

# What the list state keeps of a contact: code and message by the key of a field.
Stored = dict[str, dict[str, str]]

# What the list state keeps after an export has sent a contact (as “contact”; “excluded” holds what it left out):
# values of fields that it does not map stay as another export has left them. ``fields`` are those that it maps.
MERGED = """
    CASE WHEN contact.left_out IS NULL THEN excluded.left_out
         ELSE nullif((contact.left_out - %(fields)s::text[]) || coalesce(excluded.left_out, '{}'), '{}') END
"""


def add_to_plan(run: Run, profile_id: int, email: str, values: Sequence[Violation]) -> None:
    """List the values that one contact of the plan is going to be sent without."""
    Outcome.objects.bulk_create(_outcomes(run, None, profile_id, email, values))


def planned(run: Run, batch: Batch) -> LeftOut:
    """Find the values that contacts of a batch are sent without, where the plan has converted them."""
    found: dict[str, list[Violation]] = {}
    rows = Outcome.objects.filter(run=run, kind=OutcomeKind.INCOMPLETE, batch_number=None)
    for row in rows.filter(email__in=Batch.objects.values_list("emails", flat=True).get(pk=batch.pk)):
        found.setdefault(row.email, []).append(Violation(row.code, row.message, row.field))
    return found


def record(run: Run, batch: Batch, left_out: LeftOut, not_taken: Collection[str]) -> dict[str, Stored]:
    """List the values that contacts of a batch were sent without, but for contacts that were ``not_taken``.

    Returns what the list state keeps of each contact.
    """
    taken = {email: values for email, values in left_out.items() if email not in not_taken}
    Outcome.objects.filter(
        run=run, kind=OutcomeKind.INCOMPLETE, batch_number=None, email__in=list(left_out)
    ).delete()
    emails, profile_ids = Batch.objects.values_list("emails", "profile_ids").get(pk=batch.pk)
    number = Batch.objects.values_list("number", flat=True).get(pk=batch.pk)
    Outcome.objects.bulk_create(
        outcome
        for profile_id, email in zip(profile_ids, emails, strict=True)
        if email in taken
        for outcome in _outcomes(run, number, profile_id, email, taken[email])
    )
    return {email: stored(values) for email, values in taken.items()}


def keep_of_one(known: KnownList, email: str, fields: Sequence[str], values: Sequence[Violation]) -> None:
    """Keep the values that one contact was sent without, by an export that maps ``fields``."""
    contact = SyncedContact.objects.filter(list_state=known.list_state_id, email=email)
    for before in contact.values_list("left_out", flat=True):
        others = {field: why for field, why in (before or {}).items() if field not in fields}
        contact.update(left_out=others | stored(values) or None)


def stored(values: Sequence[Violation]) -> Stored:
    """Describe left-out values by the keys of their fields, as the list state keeps them."""
    return {value.field: {"code": value.code, "message": value.message} for value in values}


def _outcomes(
    run: Run, batch_number: int | None, profile_id: int, email: str, values: Sequence[Violation]
) -> list[Outcome]:
    return [
        Outcome(
            run=run,
            batch_number=batch_number,
            kind=OutcomeKind.INCOMPLETE,
            profile_id=profile_id,
            email=email,
            code=value.code,
            message=value.message,
            field=value.field,
        )
        for value in values
    ]


def exist(known: KnownList) -> bool:
    """Say whether a list has contacts that were sent without a value."""
    return SyncedContact.objects.filter(list_state=known.list_state_id, left_out__isnull=False).exists()


def list_unchanged(run: Run, known: KnownList) -> None:
    """List the values that unchanged contacts of the plan were sent without before. Call it in the transaction of
    the plan."""
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_outcome (run_id, kind, profile_id, email, code, message, field)
            SELECT %(run)s, %(kind)s, plan.profile_id, plan.email,
                   reason ->> 'code', reason ->> 'message', value.field
              FROM exports_syncedcontact contact
              JOIN plan ON plan.email = contact.email AND plan.action = 'unchanged',
                   jsonb_each(contact.left_out) AS value (field, reason)
             WHERE contact.list_state_id = %(list)s AND contact.left_out IS NOT NULL
               AND value.field = ANY (%(fields)s)
            """,
            {
                "run": run.pk,
                "kind": OutcomeKind.INCOMPLETE,
                "list": known.list_state_id,
                "fields": run.snapshot.mapped_fields,
            },
        )


def send_again(known: KnownList, fields: Sequence[str]) -> None:
    """Make the data of contacts unknown that were sent without a value of one of these fields, so that the plan
    sends them. Call it before the difference is computed, in the same transaction."""
    if not fields:
        return
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE exports_syncedcontact
               SET data_hash = %(unknown)s,
                   other_hashes = CASE WHEN other_hashes IS NOT NULL
                                       THEN array_fill(%(unknown)s::uuid, ARRAY[cardinality(other_hashes)]) END
             WHERE list_state_id = %(list)s AND left_out IS NOT NULL AND left_out ?| %(fields)s::text[]
            """,
            {"unknown": UNKNOWN_DATA, "list": known.list_state_id, "fields": list(fields)},
        )


def count(run: Run) -> int:
    """Count the contacts of a run that are on the list without one of their values."""
    rows = run.outcomes.filter(kind=OutcomeKind.INCOMPLETE)
    return rows.values("email", "profile_id").distinct().count()


def count_by_field(run: Run) -> dict[str, int]:
    """Count these contacts by the name of the field that lacks their value, the largest first."""
    names = run.snapshot.field_labels
    rows = run.outcomes.filter(kind=OutcomeKind.INCOMPLETE).values("field").annotate(contacts=Count("pk"))
    ordered = rows.order_by("-contacts", "field").values_list("field", "contacts")
    return {names.get(field, field): contacts for field, contacts in ordered}


def drop_not_sent(run: Run) -> None:
    """Drop the values of contacts that the plan has converted and that were not sent when the run ended."""
    not_sent = run.batches.exclude(IS_REMOVAL).filter(status=BatchStatus.NOT_SENT, converted=True)
    for emails in not_sent.values_list("emails", flat=True):
        run.outcomes.filter(kind=OutcomeKind.INCOMPLETE, batch_number=None, email__in=emails).delete()
