"""Add the columns of attributes to the tables of profiles and unified profiles. Migrations create the tables.

Columns are only added. The columns of an attribute exist before the catalog names them, so that a reader never
asks for one that is missing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from django.db import connection as database
from django.db import transaction

from segments import catalog
from segments.catalog import Attribute
from segments.models import ProfileAttribute
from segments.store import lake
from segments.store.columns import PROFILES, UNIFIED, columns_of
from segments.store.lake import Reader, Writer
from segments.store.locks import do_nothing


class TypeDiffers(Exception):
    """The catalog has an attribute with another type than the caller read it with."""


@transaction.atomic
def ensure_attributes(wanted: Sequence[Attribute], waiting: Callable[[], None] = do_nothing) -> list[Attribute]:
    """Return these attributes as the catalog has them, after new ones were added, with their columns, and it was
    noted which have emails and original texts now. ``waiting`` is that of writer_lock. Raises TypeDiffers and
    TooManyAttributes."""
    catalog.lock()
    known = catalog.find([each.name for each in wanted])
    if any(known[each.name].data_type != each.data_type for each in wanted if each.name in known):
        raise TypeDiffers
    new = [replace(each, id=reserve_number()) for each in wanted if each.name not in known]
    catalog.check_limit(len(new))
    changed = [
        replace(
            before,
            has_emails=each.has_emails or before.has_emails,
            has_originals=each.has_originals or before.has_originals,
        )
        for each in wanted
        if (before := known.get(each.name))
        and ((each.has_emails and not before.has_emails) or (each.has_originals and not before.has_originals))
    ]
    if new or changed:
        add_columns([*new, *changed], waiting)
    ProfileAttribute.objects.bulk_create(_row(each) for each in new)
    ProfileAttribute.objects.bulk_update(map(_row, changed), ["has_emails", "has_originals"])
    now = catalog.find([each.name for each in wanted])
    return [now[each.name] for each in wanted]


def _row(attribute: Attribute) -> ProfileAttribute:
    return ProfileAttribute(
        pk=attribute.id,
        name=attribute.name,
        data_type=attribute.data_type,
        has_emails=attribute.has_emails,
        has_originals=attribute.has_originals,
        is_searchable=attribute.is_searchable,
    )


def add_columns(attributes: Iterable[Attribute], waiting: Callable[[], None] = do_nothing) -> None:
    """Add the columns of attributes that the tables of profiles do not have yet."""
    wanted = columns_of(attributes)
    if not wanted:
        return
    with lake.reading() as reader:
        known = column_names(reader)
    if wanted.keys() <= known:
        return
    with lake.writing("add columns", waiting=waiting) as writer:
        _add_missing(writer, wanted)


def add_columns_of(writer: Writer, attribute: Attribute) -> None:
    """Add the columns of an attribute in the commit of a writer."""
    _add_missing(writer, columns_of([attribute]))


def _add_missing(writer: Writer, wanted: Mapping[str, str]) -> None:
    known = column_names(writer)
    for name, kind in wanted.items():
        if name not in known:
            for table in (PROFILES, UNIFIED):
                writer.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def drop_columns(numbers: Iterable[int]) -> None:
    """Drop the columns with these numbers, which no attribute of the catalog has any more."""
    prefixes = tuple(f"a{int(number)}" for number in numbers)
    with lake.writing("drop columns") as writer:
        for name in column_names(writer):
            if name.partition("_")[0] in prefixes:
                for table in (PROFILES, UNIFIED):
                    writer.execute(f"ALTER TABLE {table} DROP COLUMN {name}")


def column_names(reader: Reader) -> set[str]:
    """Return the names of the columns of the table of profiles."""
    reader.execute(f"SELECT * FROM {PROFILES} LIMIT 0")
    return {description[0] for description in reader.connection.description or ()}


def reserve_number() -> int:
    """Reserve the ID of an attribute, or the number of columns, which is none of an ID."""
    with database.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [ProfileAttribute._meta.db_table])
        return int(cursor.fetchone()[0])
