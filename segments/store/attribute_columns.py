"""Write the values of an attribute into new columns of the profiles and of the unified profiles.

The catalog names the new columns after the commit. Until then, and after a crash, readers read the former ones.
"""

from collections.abc import Callable
from typing import Final

from segments.catalog import Attribute
from segments.store import schema
from segments.store.columns import IDENTITY, PROFILES, UNIFIED, columns_of
from segments.store.lake import Reader, Writer
from segments.store.unified.rows import unified_rows
from segments.store.unified.rules import newest_rules

# The temporary table of new values: ``id`` of the profile, ``value``, and the texts ``original`` and ``email``.
CONVERTED: Final = "converted"
_VALUES: Final = "unified_values"


def write_columns(writer: Writer, attribute: Attribute, *, unifying: Callable[[], None]) -> None:
    """Write the values in the table CONVERTED, one for each profile that has one, into the new columns of an
    attribute. ``unifying`` is called before those of unified profiles."""
    schema.add_columns_of(writer, attribute)
    _update(writer, PROFILES, CONVERTED, _sources(attribute))
    if (rules := newest_rules()) is not None:
        unifying()
        columns = columns_of([attribute])
        grouped = (
            f"(SELECT profile.*, one.unified_id FROM {PROFILES} AS profile"
            f" JOIN {IDENTITY} AS one ON one.profile_id = profile.id)"
        )
        listed = ", ".join(["id", *columns])
        writer.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {_VALUES} AS"
            f" SELECT {listed} FROM {PROFILES} WHERE id NOT IN (SELECT profile_id FROM {IDENTITY})"
            f" UNION ALL SELECT {listed} FROM ({unified_rows(rules, [attribute], grouped)})"
        )
        _update(writer, UNIFIED, _VALUES, {name: name for name in columns})
        writer.execute(f"DROP TABLE {_VALUES}")


def drop_converted(reader: Reader) -> None:
    """Drop the table CONVERTED, which holds personal data."""
    reader.execute(f"DROP TABLE IF EXISTS {CONVERTED}")


def _sources(attribute: Attribute) -> dict[str, str]:
    """Return the columns of the table CONVERTED, by the columns of an attribute."""
    found = {attribute.column: "value"}
    if attribute.has_emails:
        found[attribute.email_column] = "email"
    if attribute.has_originals:
        found[attribute.text_column] = "original"
    return found


def _update(writer: Writer, table: str, values: str, sources: dict[str, str]) -> None:
    """Set columns of a table to columns of the table ``values``, where one has a value."""
    name = table.partition(".")[2]
    new = ", ".join(f"{column} = {values}.{source}" for column, source in sources.items())
    is_filled = " OR ".join(f"{values}.{source} IS NOT NULL" for source in sources.values())
    writer.execute(f"UPDATE {table} SET {new} FROM {values} WHERE {values}.id = {name}.id AND ({is_filled})")
