"""Import a suppression list: addresses that no export sends to a list, whatever the list says of them.

Of each row of a text file the first cell that is an address counts, so that files of any tool can be taken. Rows
without one, such as a header, are counted. The addresses are kept apart from what the list shows.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from django.db import connection as database
from django.db import transaction

from config.platform import db
from config.platform.jobs import clock
from config.platform.text.addresses import LONGEST_EMAIL, comparable_email
from exports.feedback.listed_states import erased_condition
from exports.models import ImportedSuppression, ListState

_BLOCK = 10_000
_DELIMITERS = ",;\t|"
_LONGEST_LINE = 100_000
# Row versions that an INSERT has made, and not an UPDATE, have no xmax.
_KEEP = """
    WITH kept AS (
        INSERT INTO exports_importedsuppression AS known (list_state_id, email, imported_at)
        SELECT %(list)s, row.email, %(began)s
          FROM (SELECT DISTINCT jsonb_array_elements_text(%(emails)s) AS email) row
         WHERE NOT ({is_erased}) ORDER BY row.email
            ON CONFLICT (list_state_id, email) DO UPDATE SET imported_at = excluded.imported_at
        RETURNING xmax = 0 AS is_new)
    SELECT count(*) FILTER (WHERE is_new) FROM kept
"""


class UnreadableFile(Exception):
    """The file is no text, or has no address."""


@dataclass(frozen=True)
class ImportedSuppressions:
    """How many addresses an import has added, and how many rows have no address."""

    added: int
    rows_without_address: int


def import_suppressions(state: ListState, file: BinaryIO, *, replaces: bool) -> ImportedSuppressions:
    """Suppress the addresses in a file on a list; ``replaces``: and no longer those imported before that are not
    in it. Raises UnreadableFile when there are none; nothing has changed then. Each block is a transaction, since
    no person can be erased while one lasts; an import that breaks off has removed nothing and can be repeated."""
    began = clock.now()
    added = found = skipped = 0
    rows = _emails(file)
    while block := list(islice(rows, _BLOCK)):
        emails = [email for email in block if email is not None]
        skipped += len(block) - len(emails)
        found += len(emails)
        added += _keep(state, emails, began)
    if not found:
        raise UnreadableFile
    if replaces:
        ImportedSuppression.objects.filter(list_state=state, imported_at__lt=began).delete()
    return ImportedSuppressions(added, skipped)


def remove_imported(state: ListState) -> int:
    """Forget the addresses that were imported. Returns how many there were."""
    removed, _models = ImportedSuppression.objects.filter(list_state=state).delete()
    return removed


@transaction.atomic
def _keep(state: ListState, emails: Iterable[str], began: datetime) -> int:
    parameters: dict[str, Any] = {"list": state.pk, "emails": db.as_json(emails), "began": began}
    with database.cursor() as cursor:
        cursor.execute(_KEEP.format(is_erased=erased_condition("row.email")), parameters)
        return int(cursor.fetchone()[0])


def _emails(file: BinaryIO) -> Iterator[str | None]:
    """Yield the address of each row that has cells; None for a row without one."""
    first = file.read(_LONGEST_LINE)
    if b"\0" in first:
        raise UnreadableFile
    file.seek(0)
    delimiter = max(_DELIMITERS, key=first.decode("utf-8", "replace").count)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline=None)
    try:
        for line in text:
            if line.strip(delimiter + '" \n'):
                yield _email_of_row(line.rstrip("\n"), delimiter)
    finally:
        text.detach()


def _email_of_row(line: str, delimiter: str) -> str | None:
    """Return the first cell that is an address. Each line is read alone: a quotation mark that is never closed
    must not swallow the rows after it."""
    plain = line.replace('"', "").split(delimiter)
    try:
        cells = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        cells = plain
    apart = (cell for cell in cells if delimiter not in cell)
    addresses = (comparable_email(cell) for cell in (*apart, *plain))
    return next((each for each in addresses if each and len(each) <= LONGEST_EMAIL), None)
