"""Import a suppression list: addresses that no export sends to a list, whatever the list says of them.

Of each row of a text file the first cell that is an address counts, so that files of any tool can be taken. Rows
without one, such as a header, are counted. The addresses are kept beside the list state as imported.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from django.db import connection as database
from django.db import transaction

from config.platform import db
from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email
from exports.feedback.listed_states import erased_condition
from exports.models import ListState, StatusSource, SubscriberStatus
from exports.state.plan_action import IMPORTED

_BLOCK = 10_000
_DELIMITERS = ",;\t|"
_LONGEST_LINE = 100_000
_KEEP = """
    INSERT INTO exports_subscriberstatus AS known
           (list_state_id, email, code, source, since, run_id, known_since)
    SELECT %(list)s, row.email, %(code)s, %(source)s, '', 0, %(now)s
      FROM (SELECT DISTINCT jsonb_array_elements_text(%(emails)s) AS email) row
     WHERE NOT ({is_erased}) ORDER BY row.email
        ON CONFLICT (list_state_id, email)
        DO UPDATE SET code = excluded.code, source = excluded.source, since = '', run_id = 0,
                      known_since = excluded.known_since
         WHERE known.source <> excluded.source
"""


class UnreadableFile(Exception):
    """The file is no text, or has no address."""


@dataclass(frozen=True)
class ImportedSuppressions:
    """How many addresses an import has added, and how many rows have no address."""

    added: int
    rows_without_address: int


@transaction.atomic
def import_suppressions(state: ListState, file: BinaryIO, *, replaces: bool) -> ImportedSuppressions:
    """Suppress the addresses in a file on a list; ``replaces``: and no longer those imported before that are not
    in it. Raises UnreadableFile; roll back then."""
    began = clock.now()
    is_erased = erased_condition("row.email")
    added = found = skipped = 0
    kept: set[str] = set()
    rows = _emails(file)
    while block := list(islice(rows, _BLOCK)):
        emails = [email for email in block if email is not None]
        skipped += len(block) - len(emails)
        found += len(emails)
        if replaces:
            kept.update(emails)
        added += _keep(state, emails, is_erased, began)
    if not found:
        raise UnreadableFile
    if replaces:
        _forget_others(state, kept)
    return ImportedSuppressions(added, skipped)


def remove_imported(state: ListState) -> int:
    """Suppress nobody any more because of an import. Returns how many there were."""
    removed, _models = SubscriberStatus.objects.filter(list_state=state, source=StatusSource.IMPORT).delete()
    return removed


def _keep(state: ListState, emails: Iterable[str], is_erased: str, now: Any) -> int:
    parameters: dict[str, Any] = {
        "list": state.pk,
        "code": IMPORTED,
        "source": StatusSource.IMPORT.value,
        "emails": db.as_json(emails),
        "now": now,
    }
    with database.cursor() as cursor:
        cursor.execute(_KEEP.format(is_erased=is_erased), parameters)
        return int(cursor.rowcount)


def _forget_others(state: ListState, kept: Iterable[str]) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM exports_subscriberstatus WHERE list_state_id = %s AND source = %s"
            " AND email NOT IN (SELECT jsonb_array_elements_text(%s))",
            [state.pk, StatusSource.IMPORT.value, db.as_json(kept)],
        )


def _emails(file: BinaryIO) -> Iterator[str | None]:
    """Yield the address of each row that has cells; None for a row without one."""
    first = file.read(_LONGEST_LINE)
    if b"\0" in first:
        raise UnreadableFile
    file.seek(0)
    delimiter = max(_DELIMITERS, key=first.decode("utf-8", "replace").count)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    try:
        for row in csv.reader(text, delimiter=delimiter):
            if any(row):
                addresses = (comparable_email(cell) for cell in row)
                yield next((each for each in addresses if each and len(each) <= 254), None)
    except csv.Error as error:
        raise UnreadableFile from error
    finally:
        text.detach()
