"""Compute the difference between the members of segments and the list state.

DuckDB, which reads the members, also reads what is known of the list, and gives each member a PlanAction. The
result becomes the temporary table ``plan`` of PostgreSQL: a row per member, with the mapped values of those that
are sent; unchanged contacts only where they are needed. Contacts that come back after a removal get their actions
afterwards, with the field from which a mark is cleared.

The hash of a row covers what the list gets of a contact: the mapped values, the fields and the options of the
export. An option may be answered by an attribute of each contact; of several profiles with one address the
strictest answer counts, so that one no is enough.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any

from django.db import connection as database

from config.platform import db
from connections.destinations.values import BatchOperation, attribute_of
from exports.models import LEARNED, Removal, RemovedContact
from exports.models.snapshot import CONTROL, TREATMENT, RunSnapshot
from exports.selection import unchanged_blocks
from exports.selection.plan_counts import PlanCounts
from exports.state import run_settings
from exports.state.known_list import ONCE_WANTED, KnownList
from exports.state.plan_action import EXCLUDED, WANTED, PlanAction
from segments import audience
from segments.audience import MemberSelection, ProfileQuery

# Members that no option of a run makes it send.
_NEVER_SENT = (*EXCLUDED, PlanAction.UNCHANGED)
# What PostgreSQL does not know of the statements of a plan: contacts of a list lie side by side in the order of
# addresses, and few such statements run at a time.
_FOR_MASSES = {"random_page_cost": "1.1", "work_mem": "64MB"}
_PLAN_COLUMNS = {"profile_id": "bigint", "email": "text", "mapped": "text", "data_hash": "uuid", "action": "text"}
_ONCE_WANTED = f"""
    SELECT contact.email FROM exports_syncedcontact contact WHERE contact.list_state_id = %s AND {ONCE_WANTED}
     UNION
    SELECT removed.email FROM exports_removedcontact removed
     WHERE removed.list_state_id = %s AND removed.operation = %s AND %s = ANY (removed.exports)
"""  # noqa: S608 - only our own fragments are put in
# Up to so many members, the list state is read by their addresses instead of as a whole.
_FEW = 20_000


# A blank among the mapped values, as an array of them reads.
_BLANK = r'(\[|, )(null|"\s*")(\]|, )'


@dataclass(frozen=True)
class OptionFragments:
    """Fragments of SQL of DuckDB to put into the plan: the answers by attributes, of everyone with an address the
    strictest; what comes before the mapped values in the hash, with its parameters; and what follows them in the
    plan."""

    strictest: str
    hashed: str
    parameters: Mapping[str, str]
    appended: str

    def with_answers(self, mapped: str) -> str:
        """Return the mapped values, a JSON array as text, with the answers at its end."""
        if not self.appended:
            return mapped
        start = f"CASE WHEN {mapped} = '[]' THEN '[' ELSE left({mapped}, -1) || ', ' END"
        return f"{start} || {self.appended} || ']'"


class UnchangedRows(Enum):
    """What the table ``plan`` has of unchanged contacts: the most of a list, whose rows take long to write."""

    NONE = "none"
    BLOCKS = "blocks"  # none, but the temporary table of blocks has them
    WITHOUT_VALUES = "without_values"
    WITH_VALUES = "with_values"


_NO_ROWS = (UnchangedRows.NONE, UnchangedRows.BLOCKS)


def compute_diff(
    snapshot: RunSnapshot, known: KnownList, *, unchanged: UnchangedRows = UnchangedRows.NONE
) -> PlanCounts:
    """Compute the difference to what is known of the list. Fills the temporary table ``plan``, in the order of
    addresses, with at least the rows of ``unchanged`` contacts that the caller asks for; and the temporary table
    ``unplanned`` when the export removes contacts. Within a transaction."""
    with database.cursor() as cursor:
        for name, value in _FOR_MASSES.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
    with audience.reading_members(snapshot.segment_ids, selection_of(snapshot)) as members:
        unchanged_blocks.drop()
        if snapshot.options.everyone:
            unchanged = UnchangedRows.WITH_VALUES
        elif members.size <= _FEW and unchanged in _NO_ROWS:
            unchanged = UnchangedRows.WITHOUT_VALUES
        _load_list_state(members, known)
        _compute_actions(members, snapshot)
        counts = _write_plan(members, unchanged)
        if unchanged == UnchangedRows.BLOCKS:
            unchanged_blocks.write(members)
        if snapshot.removal.how != Removal.LEAVE:
            _write_unplanned(members, known)
        members.reader.execute(
            "DROP TABLE plan_action; DROP TABLE known_contact; DROP TABLE known_refusal;"
            " DROP TABLE known_suppression"
        )
    if adjust_returning(snapshot, known):
        not_written = counts["unchanged"] if unchanged in _NO_ROWS else 0
        counts = _count() + Counter(unchanged=not_written)
    return PlanCounts(**counts)


def _write_plan(members: ProfileQuery, unchanged: UnchangedRows) -> Counter[str]:
    """Write the table ``plan``. Returns the number of members by their actions."""
    has_values = "true" if unchanged == UnchangedRows.WITH_VALUES else f"action NOT IN ({_listed(_NEVER_SENT)})"
    is_written = "action <> 'unchanged'" if unchanged in _NO_ROWS else "true"
    query = (
        f"SELECT profile_id, email, CASE WHEN {has_values} THEN mapped END, data_hash, action"  # noqa: S608
        f" FROM plan_action WHERE {is_written} ORDER BY email, action = 'duplicate', profile_id"
    )
    members.write("plan", query, _PLAN_COLUMNS)
    return Counter(dict(members.reader.rows("SELECT action, count(*) FROM plan_action GROUP BY action")))


def _write_unplanned(members: ProfileQuery, known: KnownList) -> None:
    """Write the table ``unplanned``: the addresses of contacts that the export once wanted on the list, those with
    its mark included, and does not want by this plan."""
    if members.size <= _FEW:
        select_unplanned(known)
        return
    members.load("once_wanted", _ONCE_WANTED, _ids_of_once_wanted(known), {"email": "VARCHAR"})
    members.write(
        "unplanned",
        "SELECT email FROM once_wanted WHERE NOT EXISTS (SELECT 1 FROM plan_action"  # noqa: S608
        f" WHERE plan_action.email = once_wanted.email AND action IN ({_listed(WANTED)}))",
        {"email": "text"},
    )
    members.reader.execute("DROP TABLE once_wanted")


def select_unplanned(known: KnownList) -> None:
    """Fill the table ``unplanned`` by a plan that has all contacts that the export wants."""
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.unplanned")
        cursor.execute(
            f"CREATE TEMPORARY TABLE unplanned ON COMMIT DROP AS SELECT email FROM ({_ONCE_WANTED}) contact"  # noqa: S608
            " WHERE NOT EXISTS (SELECT FROM plan WHERE plan.email = contact.email AND plan.action = ANY (%s))",
            [*_ids_of_once_wanted(known), list(WANTED)],
        )


def _ids_of_once_wanted(known: KnownList) -> list[Any]:
    contacts = [known.list_state_id, known.export_id, known.export_id]
    return [*contacts, known.list_state_id, BatchOperation.MARK, known.export_id]


def write_hashes(snapshot: RunSnapshot, profile_ids: Iterable[Sequence[int]], *, table: str) -> None:
    """Write the hashes of what these settings would send of profiles, given in blocks, into a new temporary
    table: columns ``profile_id`` and ``data_hash``."""
    options = option_fragments(snapshot)
    with audience.reading_profiles(profile_ids, selection_of(snapshot)) as profiles:
        profiles.reader.execute(
            "CREATE OR REPLACE TEMPORARY TABLE profile_hash AS SELECT profile_id, data_hash"  # noqa: S608
            f" FROM ({_hashed_members(profiles.sql, options)})",
            options.parameters,
        )
        profiles.write(table, "FROM profile_hash", {"profile_id": "bigint", "data_hash": "uuid"})
        profiles.reader.execute("DROP TABLE profile_hash")


def _load_list_state(members: ProfileQuery, known: KnownList) -> None:
    """Load what the list is known to hold, to have refused and to suppress into the tables ``known_contact``,
    ``known_refusal`` and ``known_suppression`` of DuckDB; ``own_hash`` is what this export sent before another."""
    by_email, emails = "", []
    if members.size <= _FEW:
        by_email = "AND email IN (SELECT jsonb_array_elements_text(%s))"
        found = members.reader.rows(f"SELECT DISTINCT email FROM ({members.sql}) WHERE valid")  # noqa: S608
        emails = [db.as_json(email for (email,) in found)]
    members.load(
        "known_contact",
        f"""
        SELECT email, data_hash, CASE WHEN sent_by <> %s
                                      THEN other_hashes[array_position(other_exports, %s::bigint)] END
          FROM exports_syncedcontact WHERE list_state_id = %s {by_email}
        """,  # noqa: S608 - only our own fragments are put in
        [known.export_id, known.export_id, known.list_state_id, *emails],
        {"email": "VARCHAR", "data_hash": "UUID", "own_hash": "UUID"},
    )
    members.load(
        "known_refusal",
        f"SELECT email, data_hash FROM exports_refused WHERE delivered_set_id = %s AND NOT ask_again"  # noqa: S608
        f" {by_email}",
        [known.delivered_set_id, *emails],
        {"email": "VARCHAR", "data_hash": "UUID"},
    )
    learned = [source.value for source in LEARNED]
    members.load(
        "known_suppression",
        f"""
        SELECT email FROM exports_subscriberstatus WHERE list_state_id = %s AND source = ANY (%s) {by_email}
         UNION ALL
        SELECT email FROM exports_importedsuppression imported WHERE list_state_id = %s {by_email}
           AND NOT EXISTS (SELECT FROM exports_subscriberstatus status
                            WHERE status.list_state_id = imported.list_state_id
                              AND status.email = imported.email AND status.source = ANY (%s))
        """,  # noqa: S608 - only our own fragments are put in
        [known.list_state_id, learned, *emails, known.list_state_id, *emails, learned],
        {"email": "VARCHAR"},
    )


def _compute_actions(members: ProfileQuery, snapshot: RunSnapshot) -> None:
    """Fill the table ``plan_action`` of DuckDB, a row per member. Nothing is sent of a contact whose data are
    those that were sent last, whichever export did, or that this export sent and that no other has written over
    since. The control group is taken of contacts that would be sent, so it comes after the other reasons to
    exclude a contact, and before what the list is known to hold."""
    options = option_fragments(snapshot)
    declined = "bool_or(declined) OVER (PARTITION BY email)" if snapshot.required_attribute else "false"
    held_out = "in_share" if snapshot.control.held_out else "false"
    members.reader.execute(
        f"""
        CREATE OR REPLACE TEMPORARY TABLE plan_action AS
        SELECT ranked.profile_id, ranked.email, {options.with_answers("ranked.mapped")} AS mapped,
               ranked.data_hash,
               CASE WHEN valid IS NOT TRUE THEN 'invalid'
                    WHEN place > 1 THEN 'duplicate'
                    WHEN excluded THEN 'exclusion'
                    WHEN any_declined OR NOT agreed THEN 'no_consent'
                    WHEN {held_out} THEN 'control'
                    WHEN suppression.email IS NOT NULL THEN 'suppressed'
                    WHEN refusal.data_hash = ranked.data_hash THEN 'still_refused'
                    WHEN contact.data_hash = ranked.data_hash THEN 'unchanged'
                    WHEN contact.own_hash = ranked.data_hash THEN 'unchanged'
                    WHEN contact.data_hash IS NOT NULL THEN 'update'
                    ELSE 'add' END AS action
          FROM (SELECT *, CASE WHEN valid THEN row_number() OVER (
                                   PARTITION BY email ORDER BY updated_at DESC, profile_id DESC) END AS place,
                       {declined} AS any_declined
                  FROM ({_hashed_members(members.sql, options)})) ranked
          LEFT JOIN known_contact contact ON contact.email = ranked.email
          LEFT JOIN known_refusal refusal ON refusal.email = ranked.email
          LEFT JOIN known_suppression suppression ON suppression.email = ranked.email
        """,  # noqa: S608 - only our own fragments are put in; every value is a parameter
        options.parameters,
    )


def selection_of(snapshot: RunSnapshot) -> MemberSelection:
    """Return what a plan reads of each member."""
    return MemberSelection(
        email=snapshot.email_attribute,
        mapped=[pair.value for pair in snapshot.mapping],
        consent=snapshot.required_attribute,
        yes_no=[attribute_of(snapshot.answers[name]) for name in _by_attribute(snapshot)],
        share=snapshot.control.group,
        share_words=(CONTROL, TREATMENT) if snapshot.control.written_to else None,
    )


def _hashed_members(members: str, options: OptionFragments) -> str:
    """Return a query of DuckDB of ``members``, another one, with the hash of what the list would get."""
    return (
        f"SELECT *, CAST(md5({options.hashed} || mapped) AS UUID) AS data_hash"  # noqa: S608
        f" FROM (SELECT *{options.strictest} FROM ({members}))"
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _count() -> Counter[str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT action, count(*) FROM plan GROUP BY action")
        return Counter(dict(cursor.fetchall()))


def option_fragments(snapshot: RunSnapshot) -> OptionFragments:
    """The fragments for these settings; where every answer is the same for all, nothing is added to the plan."""
    names = _by_attribute(snapshot)
    places = range(len(names))
    strictest = "".join(f", bool_and(says_{at}) OVER (PARTITION BY email) AS answer_{at}" for at in places)
    hashed, parameters = _hashed(snapshot, names)
    appended = " || ', ' || ".join(f"CAST(answer_{at} AS VARCHAR)" for at in places)
    return OptionFragments(strictest, hashed, parameters, appended)


def _by_attribute(snapshot: RunSnapshot) -> list[str]:
    """Return the names of the options that an attribute answers."""
    return sorted(name for name, answer in snapshot.answers.items() if attribute_of(answer))


def _hashed(snapshot: RunSnapshot, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    hashed, parameters = _by_answers(snapshot, names)
    if with_blanks := run_settings.what_changes_blanks(snapshot):
        hashed = f"{hashed} || CASE WHEN regexp_matches(mapped, $blank) THEN $with_blanks ELSE '' END"
        parameters |= {"blank": _BLANK, "with_blanks": with_blanks}
    return hashed, parameters


def _by_answers(snapshot: RunSnapshot, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A text for each combination of answers."""
    if not names:
        return "$options", {"options": run_settings.what_changes_the_list(snapshot)}
    cases, parameters = "", {}
    for number, answers in enumerate(product((True, False), repeat=len(names))):
        said = {name: "yes" if answer else "no" for name, answer in zip(names, answers, strict=True)}
        condition = " AND ".join(
            f"answer_{at}" if answer else f"NOT answer_{at}" for at, answer in enumerate(answers)
        )
        cases += f" WHEN {condition} THEN $options_{number}"
        parameters[f"options_{number}"] = run_settings.what_changes_the_list(snapshot, said)
    return f"CASE{cases} END", parameters


def adjust_returning(snapshot: RunSnapshot, known: KnownList) -> bool:
    """Change the actions of contacts that come back, of contacts to subscribe again, and of all when everything
    is sent again. Returns whether there may be any."""
    options = snapshot.options
    returning = RemovedContact.objects.filter(list_state=known.list_state_id).exists()
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE plan ADD COLUMN mark_field text NOT NULL DEFAULT ''")
    with db.without_nested_loops():
        if options.resubscribe:
            _resubscribe(known, snapshot.asked_in)
        if options.everyone:
            _send_unchanged()
        if returning:
            _let_come_back(known.list_state_id)
    return options.resubscribe or options.everyone or returning


def _send_unchanged() -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE plan SET action = 'update' WHERE action IN ('unchanged', 'still_refused')")


def _resubscribe(known: KnownList, asked_in: int | None) -> None:
    """Only those whose refusal was known when it was asked for, in the run ``asked_in`` (None: it is asked now),
    so that a number could be agreed to. Who has left since, as a retry finds them, stays so, and so does an
    imported suppression."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE plan SET action = 'resubscribe' FROM exports_refused refused
             WHERE refused.delivered_set_id = %s AND refused.email = plan.email AND refused."left"
               AND (%s::bigint IS NULL OR refused.last_run_id < %s)
               AND plan.action IN ('suppressed', 'still_refused', 'add', 'update')
               AND NOT EXISTS (SELECT FROM exports_importedsuppression imported
                                WHERE imported.list_state_id = %s AND imported.email = plan.email)
            """,
            [known.delivered_set_id, asked_in, asked_in, known.list_state_id],
        )


def _let_come_back(list_state_id: int) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE plan SET mark_field = removed.mark_field,
                            action = CASE WHEN removed.operation = %s THEN 'readd' ELSE 'clear_mark' END
              FROM exports_removedcontact removed
             WHERE removed.list_state_id = %s AND removed.email = plan.email
               AND removed.operation IN (%s, %s) AND plan.action IN ('add', 'update')
            """,
            [BatchOperation.DELETE, list_state_id, BatchOperation.DELETE, BatchOperation.MARK],
        )
