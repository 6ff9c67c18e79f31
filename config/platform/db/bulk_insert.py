"""Inserting many rows that differ in a few columns only."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault


def insert_alike(pattern: Model, **differing: Sequence[Any]) -> list[int]:
    """Insert a row for each place of the lists ``differing``, which are named as their columns are and equally
    long; all else is as in ``pattern``, which is not saved itself. Their ids, in the same order.

    One statement to which the common values are given once: ``bulk_create`` makes an instance of each row and
    writes every column of it out, which for wide tables costs several times as much."""
    meta, quoted = pattern._meta, connection.ops.quote_name
    fields = {str(field.column): field for field in meta.concrete_fields if not field.primary_key}
    common = {
        column: field
        for column, field in fields.items()
        if column not in differing and not isinstance(getattr(pattern, field.attname), DatabaseDefault)
    }
    columns = ", ".join(quoted(column) for column in [*differing, *common])
    selected = ", ".join(["new.*"] + ["%s"] * len(common))
    lists = ", ".join(f"%s::{fields[column].db_type(connection)}[]" for column in differing)
    values = [field.get_db_prep_save(getattr(pattern, field.attname), connection) for field in common.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quoted(meta.db_table)} ({columns})"  # noqa: S608 - names of ours
            f" SELECT {selected} FROM unnest({lists}) AS new RETURNING id",
            [*values, *(list(column) for column in differing.values())],
        )
        return [pk for (pk,) in cursor.fetchall()]
