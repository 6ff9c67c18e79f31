"""Stage the typed rows of a loaded file in a temporary table of DuckDB, and reject those that cannot be merged:
keys that are missing or repeated, values that do not fit, erased people."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import duckdb
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from segments import hooks
from segments.catalog import Attribute
from segments.models import AttributeType, ErasedHash
from segments.privacy import subjects
from segments.sources.column_plan import ColumnPlan, ColumnType, MisfitPolicy
from segments.sources.conversion import BLANKS, given_text, typed_query
from segments.sources.email_column import add_email_column, complete_email_column, plain_email
from segments.sources.files.read import LoadedFile
from segments.sources.files.regular_csv import quoted
from segments.sources.files.reject_rows import REJECTED, reject_rows
from segments.sources.keys import key_expression
from segments.sources.misfits import misfit_reason
from segments.store.lake import as_list, listed, rows_of
from segments.store.leaving import LEAVING, PRESENT
from segments.store.merge import STAGED

MAX_KEY_LENGTH: Final = 200
# The typed rows: ``line``, ``key``, and of the column at each position the value ``v0``, the misfit ``m0``,
# the original text ``o0``, and the normalized email address ``e0`` where there are any.
TYPED: Final = "imported"


@dataclass(frozen=True)
class StagedRows:
    """The rows of a file as they will be merged. ``with_emails`` are the positions of the columns that have email
    addresses, ``with_originals`` of those with values that do not give back their text."""

    connection: duckdb.DuckDBPyConnection
    loaded: LoadedFile
    plans: Sequence[ColumnPlan]
    keys: Sequence[int]
    with_emails: frozenset[int]
    with_originals: frozenset[int]

    @property
    def used(self) -> dict[int, ColumnPlan]:
        """The plans of the columns that are imported, by position."""
        return {at: plan for at, plan in enumerate(self.plans) if not plan.is_ignored}

    def attributes(self) -> dict[int, Attribute]:
        """Return the attributes that the catalog needs, by the position of their columns."""
        return {
            at: Attribute(
                plan.attribute,
                AttributeType(str(plan.type)),
                has_emails=at in self.with_emails,
                has_originals=at in self.with_originals,
                is_searchable=plan.is_searchable,
            )
            for at, plan in self.used.items()
        }

    def misfits(self) -> dict[str, int]:
        """Return how many values do not fit their type and are empty therefore, by the name of the column."""
        typed = {at: plan for at, plan in self.used.items() if plan.type is not ColumnType.TEXT}
        if not typed:
            return {}
        counts = self.connection.execute(
            f"SELECT {', '.join(f'count_if(m{at})' for at in typed)} FROM {TYPED}"
        ).fetchone()
        return {plan.column: count for plan, count in zip(typed.values(), counts or (), strict=True) if count}


def stage(
    connection: duckdb.DuckDBPyConnection,
    loaded: LoadedFile,
    table: str,
    plans: Sequence[ColumnPlan],
    keys: Sequence[int],
) -> StagedRows:
    """Convert the rows of a loaded file, whose texts are in a table."""
    emails = with_at_sign(connection, quoted(table), {at: f"t{at}" for at in texts_of(plans)})
    convert(connection, quoted(table), plans, keys, emails=emails)
    return staged_rows(connection, loaded, plans, keys, emails=emails)


def convert(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    keys: Sequence[int],
    carried: Mapping[str, str] | None = None,
    *,
    blanks: str = BLANKS,
    emails: Collection[int] = (),
) -> None:
    """Convert texts into the temporary table TYPED. ``carried`` are further columns, by their names; ``blanks``
    are those that texts may begin or end with. The text columns at the positions ``emails`` get the normal forms
    of plain email addresses: added afterwards, these would need as much memory as the rows."""
    others = {"key": key_expression(keys, blanks), **(carried or {})}
    used = [at for at, plan in enumerate(plans) if not plan.is_ignored]
    typed = [f"v{at}" if plans[at].type is ColumnType.TEXT else f"v{at}, m{at}, o{at}" for at in used]
    forms = [f"{plain_email(f'v{at}')} AS e{at}" for at in emails]
    columns = ", ".join(["_line AS line", *others, *typed, *forms])
    query = typed_query(relation, plans, others, blanks=blanks)
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {TYPED} AS SELECT {columns} FROM ({query})")


def staged_rows(
    connection: duckdb.DuckDBPyConnection,
    loaded: LoadedFile,
    plans: Sequence[ColumnPlan],
    keys: Sequence[int],
    *,
    emails: Collection[int],
) -> StagedRows:
    """Return what is in the temporary table TYPED, with all email addresses in their normal form. ``emails`` are
    the positions that ``convert`` was given."""
    for at in emails:
        complete_email_column(connection, TYPED, f"v{at}", f"e{at}")
    others = {at: f"v{at}" for at in texts_of(plans) if at not in emails}
    late = with_at_sign(connection, TYPED, others)
    for at in late:
        add_email_column(connection, TYPED, f"v{at}", f"e{at}")
    with_emails = {at for at in (*emails, *late) if plans[at].is_email or _has_value(connection, f"e{at}")}
    converted = (at for at, plan in enumerate(plans) if plan.type is not ColumnType.TEXT and not plan.is_ignored)
    originals = frozenset(at for at in converted if _has_value(connection, f"o{at}"))
    return StagedRows(connection, loaded, plans, keys, frozenset(with_emails), originals)


def texts_of(plans: Sequence[ColumnPlan]) -> list[int]:
    """Return the positions of the columns that are imported as text."""
    return [at for at, plan in enumerate(plans) if plan.type is ColumnType.TEXT and not plan.is_ignored]


def with_at_sign(connection: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[int, str]) -> list[int]:
    """Return the positions of the text columns that may have email addresses; ``columns`` are their names."""
    if not columns:
        return []
    conditions = ", ".join(f"coalesce(bool_or(contains({name}, '@')), false)" for name in columns.values())
    found = connection.execute(f"SELECT {conditions} FROM {relation}").fetchone() or ()
    return [at for at, has_sign in zip(columns, found, strict=True) if has_sign]


def reject_unusable(staged: StagedRows) -> StagedRows:
    """Reject the rows that have no valid key, whose key a later row has too, or with a misfit in a column that
    rejects those. The texts are dropped then."""
    column = ", ".join(staged.loaded.names[at] for at in staged.keys)
    for condition, reason in (
        ("key IS NULL", _("The key is empty.")),
        (
            f"length(key) > {MAX_KEY_LENGTH}",
            _("The key is longer than %(most)d characters.") % {"most": MAX_KEY_LENGTH},
        ),
        (r"regexp_matches(key, '[\t\n\r\v\f]')", _("The key contains a tab or a line break.")),
    ):
        staged = _reject(staged, f"SELECT line FROM {TYPED} WHERE {condition}", column, reason)
    for at, plan in staged.used.items():
        if plan.misfit is MisfitPolicy.REJECT and plan.type is not ColumnType.TEXT:
            rows = f"SELECT line, {given_text(f'o{at}', plan)} FROM {TYPED} WHERE m{at}"
            staged = _reject(staged, rows, plan.column, misfit_reason(plan.type))
    sentence = _("Duplicate key. Line %(line)d was used.")
    repeated = f"SELECT key, max(line) AS last FROM {TYPED} GROUP BY key HAVING count(*) > 1"
    superseded = f"SELECT line, last FROM {TYPED} JOIN ({repeated}) AS repeated USING (key) WHERE line < last"
    staged = _reject(staged, superseded, column, lambda line: sentence % {"line": line})
    staged.loaded.texts.drop(staged.connection)
    return staged


def refuse_erased(source_id: int, staged: StagedRows) -> StagedRows:
    """Reject the rows of erased people; their text is not kept."""
    erased = dict(ErasedHash.objects.values_list("hash", "erasure__erased_at"))
    if not erased:
        return staged
    email_attributes = hooks.personal_data.email_attributes()
    emails = [
        at
        for at, plan in staged.used.items()
        if plan.type is ColumnType.TEXT and subjects.is_email_attribute(plan.attribute, email_attributes)
    ]
    sentence = _("This customer was erased on %(day)s. Imports are blocked.")
    staged.connection.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE erased AS {rows_of({'hash': 'UUID', 'erased_at': 'TIMESTAMPTZ'})}",
        [as_list({"hash": each, "erased_at": moment} for each, moment in erased.items())],
    )
    found = staged.connection.execute(
        _erased_rows(source_id, emails, staged.with_emails), subjects.duckdb_hash_parameters()
    ).fetchall()
    for line, moment in found:
        staged.loaded.rejected.add(line, "", sentence % {"day": _day(moment)}, "")
    staged.loaded.rejected.close()
    staged.connection.execute(
        f"DELETE FROM {TYPED} WHERE line IN {listed('BIGINT')}", [as_list(line for line, _moment in found)]
    )
    return replace(staged, loaded=replace(staged.loaded, kept=staged.loaded.kept - len(found)))


def name_columns(staged: StagedRows, attributes: Mapping[int, Attribute]) -> None:
    """Make the staged rows the ones to merge, with the columns of the attribute of each position."""
    selected = ["line", "key"]
    for at, attribute in attributes.items():
        selected.append(f"v{at} AS {attribute.column}")
        if attribute.has_emails:
            email = f"e{at}" if at in staged.with_emails else "NULL::VARCHAR"
            selected.append(f"{email} AS {attribute.email_column}")
        if attribute.has_originals:
            text = f"o{at}" if at in staged.with_originals else "NULL::VARCHAR"
            selected.append(f"{text} AS {attribute.text_column}")
    staged.connection.execute(
        f"CREATE OR REPLACE TEMPORARY VIEW {STAGED} AS SELECT {', '.join(selected)} FROM {TYPED}"
    )


def drop(connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
    """Drop the temporary tables, which hold personal data, and those given."""
    connection.execute(f"DROP VIEW IF EXISTS {STAGED}")
    for name in (*tables, TYPED, REJECTED, PRESENT, LEAVING, "changes", "erased", "email_forms"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{quoted(name)}")


def _reject(staged: StagedRows, rows: str, column: str, reason: str | Callable[[Any], str]) -> StagedRows:
    """Reject rows, as reject_rows does."""
    before = staged.loaded.kept
    loaded = reject_rows(staged.connection, staged.loaded, rows, column=column, reason=reason)
    if loaded.kept < before:
        staged.connection.execute(f"DELETE FROM {TYPED} WHERE line IN (SELECT line FROM {REJECTED})")
    return replace(staged, loaded=loaded)


def _has_value(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {TYPED} WHERE {column} IS NOT NULL LIMIT 1").fetchall())


def _day(moment: datetime) -> str:
    return date_format(clock.day_of(moment), "Y-m-d")


def _erased_rows(source_id: int, emails: Sequence[int], with_emails: frozenset[int]) -> str:
    """Return a query of the lines of erased people, each with the moment of the erasure."""
    hashes = [subjects.duckdb_hash(f"key:{source_id}:", "key")]
    for at in emails:
        # People erased before emails were stored have the hash of the text in lower case.
        hashes.append(subjects.duckdb_hash("email:", f"lower(v{at})"))
        if at in with_emails:
            hashes.append(subjects.duckdb_hash("email:", f"e{at}"))
    return f"""
        SELECT line, min(erased.erased_at)
          FROM (SELECT line, unnest([{", ".join(hashes)}]) AS hash FROM {TYPED}) hashed
          JOIN erased ON erased.hash = hashed.hash GROUP BY line
    """
