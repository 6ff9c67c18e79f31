"""Erase a person from what runs have left, and from what a run is about to send.

Writers of batches hold the row of the run. What was sent keeps its counts and places: those of the person are
blank from then on. What was not sent yet closes up, as if the person had never been planned.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection as database
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce, Greatest

from config.platform import db
from config.platform.jobs.models import OPEN
from exports.models import IS_REMOVAL, Batch, BatchStatus, ContactBlock, ExportPreview, Run
from segments import audience
from segments.privacy.subjects import Subject

_COLUMNS = {
    "profile_ids": ("profile_id", "0"),
    "emails": ("email", "''"),
    "payloads": ("payload", "''"),
    "hashes": ("data_hash", "'00000000-0000-0000-0000-000000000000'::uuid"),
}
_PEOPLE = """unnest(profile_ids, emails, payloads, hashes)
             WITH ORDINALITY AS person (profile_id, email, payload, data_hash, place)"""
_BLANK = "person.email = ''"
_THEM = "(person.email = ANY (%(emails)s) OR person.profile_id = ANY (%(ids)s))"
_NOT_KNOWN = """NOT EXISTS (SELECT FROM exports_syncedcontact contact
                             WHERE contact.list_state_id = %(list)s AND contact.email = person.email)"""
_GONE = "person.profile_id = ANY (%(gone)s)"
_BLOCK = 50_000


def hold_open_runs() -> None:
    """Lock the rows of open runs, so that no batches are written until this transaction ends. Call it before
    anything else is written, as delivery does."""
    list(Run.objects.select_for_update(no_key=True).filter(status__in=OPEN).order_by("pk").values_list("pk"))


def forget(subject: Subject) -> dict[str, int]:
    """Erase all that batches, outcomes and lists hold of a person. Returns how many rows of what."""
    hold_open_runs()
    return {
        "batches": _forget_batches(subject),
        "outcomes": _forget_outcomes(subject),
        "delivered": _forget_delivered(subject),
    }


def drop_blank(run: Run, batch_ids: Sequence[int]) -> None:
    """Close up batches that are sent again, so that no blank contact is sent. Call it while holding the run's
    row."""
    _close_up(run.pk, batch_ids, _BLANK, {})


def drop_gone(run: Run) -> int:
    """Take contacts out of a plan whose profile was deleted while it was made. Returns how many these were in
    batches."""
    batches = list(run.batches.exclude(IS_REMOVAL).values_list("pk", flat=True))
    gone = _gone(
        "SELECT DISTINCT profile_id FROM exports_outcome WHERE run_id = %s AND profile_id IS NOT NULL", run.pk
    )
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE exports_outcome SET email = '', profile_id = NULL"
            " WHERE run_id = %s AND (profile_id IS NULL OR profile_id = ANY (%s::bigint[]))",
            [run.pk, gone],
        )
    gone = _gone("SELECT unnest(profile_ids) FROM exports_contactblock WHERE run_id = %s", run.pk)
    _blank_blocks(ContactBlock.objects.filter(run=run), emails=[], ids=gone)
    gone = _gone("SELECT unnest(profile_ids) FROM exports_batch WHERE id = ANY (%s)", batches)
    return _close_up(None, batches, _GONE, {"gone": gone}) if gone else 0


def _gone(profiles: str, parameter: object) -> list[int]:
    """Select the profiles that were deleted, of a query of IDs."""
    found: set[int] = set()
    for block in db.read_in_blocks(profiles, [parameter], rows=_BLOCK):
        ids = {profile_id for (profile_id,) in block}
        found |= ids - audience.existing_profiles(ids)
    return sorted(found)


def drop_unknown(run: Run, list_state_id: int) -> int:
    """Take contacts out of the removals of a plan that were erased while it was made. Returns how many these
    were."""
    removals = list(run.batches.filter(IS_REMOVAL).values_list("pk", flat=True))
    return _close_up(None, removals, _NOT_KNOWN, {"list": list_state_id})


def take_out(run: Run, batch_id: int, emails: Sequence[str]) -> dict[str, int]:
    """Take those with these addresses out of a batch and off the counts of their run; who they were, with the
    numbers of their profiles. Call it while holding the run's row."""
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT email, profile_id FROM exports_batch, {_PEOPLE} WHERE id = %s AND email = ANY (%s)",  # noqa: S608
            [batch_id, list(emails)],
        )
        found = dict(cursor.fetchall())
    _close_up(run.pk, [batch_id], _THEM, {"emails": list(found), "ids": []})
    return found


def _forget_batches(subject: Subject) -> int:
    parameters = {"emails": list(subject.emails), "ids": subject.profile_ids}
    found = Batch.objects.filter(profile_ids__overlap=subject.profile_ids)
    if subject.emails:
        found = found | Batch.objects.filter(emails__overlap=list(subject.emails))
    rows = list(found.order_by("pk").values_list("pk", "run_id", "status", "run__status"))
    to_send = [(pk, run) for pk, run, status, of in rows if status == BatchStatus.PLANNED and of in OPEN]
    for run_id in sorted({run for _pk, run in to_send}):
        _close_up(run_id, [pk for pk, run in to_send if run == run_id], _THEM, parameters)
    _blank([pk for pk, _run, _status, _of in rows if pk not in dict(to_send)], parameters)
    _forget_messages(subject.emails)
    _blank_blocks(ContactBlock.objects.exclude(run=None), emails=list(subject.emails), ids=subject.profile_ids)
    # To calculate them again is quicker than to search them.
    ExportPreview.objects.exclude(sample=[]).update(sample=[])
    ContactBlock.objects.filter(run=None).delete()
    return len(rows)


def _blank_blocks(blocks: QuerySet[ContactBlock], *, emails: list[str], ids: list[int]) -> None:
    """Blank contacts in blocks, whose counts and places stay."""
    found = blocks.filter(Q(profile_ids__overlap=ids) | Q(emails__overlap=emails))
    columns = ", ".join(
        f"{column} = ARRAY(SELECT CASE WHEN {_THEM} THEN {blank} ELSE person.{name} END"  # noqa: S608
        " FROM unnest(profile_ids, emails) WITH ORDINALITY AS person (profile_id, email, place) ORDER BY place)"
        for column, (name, blank) in _COLUMNS.items()
        if column in ("profile_ids", "emails")
    )
    keys = list(found.values_list("pk", flat=True))
    with database.cursor() as cursor:
        cursor.execute(
            f"UPDATE exports_contactblock SET {columns} WHERE id = ANY (%(blocks)s)",  # noqa: S608
            {"emails": emails, "ids": ids, "blocks": keys},
        )


def _blank(batch_ids: Sequence[int], parameters: dict[str, Any]) -> None:
    columns = ", ".join(
        f"{column} = ARRAY(SELECT CASE WHEN {_THEM} THEN {blank} ELSE person.{name} END"  # noqa: S608
        f" FROM {_PEOPLE} ORDER BY place)"
        for column, (name, blank) in _COLUMNS.items()
    )
    with database.cursor() as cursor:
        cursor.execute(
            f"UPDATE exports_batch SET {columns} WHERE id = ANY (%(batches)s)",  # noqa: S608
            parameters | {"batches": list(batch_ids)},
        )


def _close_up(run_id: int | None, batch_ids: Sequence[int], who: str, parameters: dict[str, Any]) -> int:
    """Take contacts out of batches and off the counts of their run, if it has any yet. Returns how many these
    were."""
    columns = ", ".join(
        f"{column} = ARRAY(SELECT person.{name} FROM {_PEOPLE} WHERE NOT ({who}) ORDER BY place)"  # noqa: S608
        for column, (name, _blank_value) in _COLUMNS.items()
    )
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            WITH before AS (
                SELECT id, size FROM exports_batch
                 WHERE id = ANY (%(batches)s) AND EXISTS (SELECT FROM {_PEOPLE} WHERE {who}))
            UPDATE exports_batch SET {columns} FROM before WHERE exports_batch.id = before.id
            RETURNING exports_batch.id, before.size - cardinality(emails)
            """,  # noqa: S608
            parameters | {"batches": list(batch_ids)},
        )
        taken = dict(cursor.fetchall())
    for pk, people in taken.items():
        # In a mixed batch it is unknown which of the erased contacts were new.
        still_new = Case(When(adds=F("size"), then=F("size") - people), default=0)
        Batch.objects.filter(pk=pk).update(size=F("size") - people, adds=still_new)
    Batch.objects.filter(pk__in=taken, size=0).update(status=BatchStatus.NOT_SENT)
    people = sum(taken.values())
    if run_id is not None and people:
        removals = Batch.objects.filter(IS_REMOVAL, pk__in=taken).values_list("pk", flat=True)
        staying = sum(taken[pk] for pk in removals)
        _count_off(run_id, people - staying, staying)
    return people


def _count_off(run_id: int, people: int, staying: int) -> None:
    added = Greatest(F("to_add") - people, 0)
    Run.objects.filter(pk=run_id).update(
        planned=F("planned") - people,
        members=F("members") - people,
        to_remove=F("to_remove") - staying,
        progress_total=Coalesce(F("progress_total"), F("planned")) - people - staying,
        to_update=Greatest(F("to_update") - (people - (F("to_add") - added)), 0),
        to_add=added,
    )


def _forget_outcomes(subject: Subject) -> int:
    """The outcome stays, and with it the figures; nothing says whose it was."""
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE exports_outcome SET email = '', profile_id = NULL"
            " WHERE email = ANY (%s) OR profile_id = ANY (%s)",
            [list(subject.emails), subject.profile_ids],
        )
        return int(cursor.rowcount)


def _forget_delivered(subject: Subject) -> int:
    gone = 0
    with database.cursor() as cursor:
        for table, key, keys in (
            ("exports_syncedcontact", "list_state_id", "exports_liststate"),
            ("exports_removedcontact", "list_state_id", "exports_liststate"),
            ("exports_subscriberstatus", "list_state_id", "exports_liststate"),
            ("exports_importedsuppression", "list_state_id", "exports_liststate"),
            ("exports_refused", "delivered_set_id", "exports_deliveredset"),
            ("exports_listedcontact", "comparison_id", "exports_listcomparison"),
        ):
            cursor.execute(
                f"DELETE FROM {table} WHERE {key} = ANY (ARRAY(SELECT id FROM {keys})) AND email = ANY (%s)",  # noqa: S608
                [list(subject.emails)],
            )
            gone += int(cursor.rowcount)
        cursor.execute("DELETE FROM exports_listdrift WHERE email = ANY (%s)", [list(subject.emails)])
        gone += int(cursor.rowcount)
    return gone


def _forget_messages(emails: Sequence[str]) -> None:
    """What a destination said of a batch or a run may quote an address."""
    with database.cursor() as cursor:
        for table in ("exports_batch", "exports_run", "exports_outcome"):
            cursor.execute(
                f"UPDATE {table} SET message = '' WHERE message <> '' AND EXISTS"  # noqa: S608
                " (SELECT FROM unnest(%s::text[]) email WHERE strpos(lower(message), email) > 0)",
                [list(emails)],
            )
