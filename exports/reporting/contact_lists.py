"""Lists of contacts that are read a page at a time, however many they are: the arrays of a page are found by
adding up their sizes, and those alone are opened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db.models import QuerySet

from config.platform.text.addresses import comparable_email
from exports.models import ContactBlock
from exports.results.summary import ContactKind


@dataclass(frozen=True)
class ListedContact:
    """A contact of a run with its result."""

    email: str
    profile_id: int | None
    kind: ContactKind
    code: str = ""
    reason: str = ""
    batch: str = ""
    field: str = ""
    segment: str = ""  # that a contact to remove has left


class ContactList(Sequence[ListedContact]):
    """Contacts of a run; sliced, never read as a whole."""

    def __getitem__(self, part: int | slice) -> "list[ListedContact]":  # type: ignore[override]
        if not isinstance(part, slice):
            raise TypeError("contacts are read by the page")
        start, stop, _step = part.indices(len(self))
        return self.read(start, stop)

    def read(self, start: int, stop: int) -> list[ListedContact]:
        """Return the contacts from ``start`` to ``stop``."""
        raise NotImplementedError

    def all(self) -> Iterator[ListedContact]:
        """Yield all contacts, reading some at a time."""
        raise NotImplementedError


class JoinedContacts(ContactList):
    """The contacts of several lists, one after the other."""

    def __init__(self, parts: Sequence[ContactList]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def read(self, start: int, stop: int) -> list[ListedContact]:
        found: list[ListedContact] = []
        passed = 0
        for part in self._parts:
            size = len(part)
            first, last = max(start - passed, 0), min(stop - passed, size)
            if first < last:
                found += part.read(first, last)
            passed += size
        return found

    def all(self) -> Iterator[ListedContact]:
        for part in self._parts:
            yield from part.all()


class ArrayContacts(ContactList):
    """Contacts in the arrays of rows, in their order. ``words``: a part of the address to look for, which reads
    every row."""

    people = ""  # the FROM clause that joins the rows with their contacts, as ``person``
    table = ""  # the name of the rows there

    def __init__(self, words: str = "") -> None:
        self._words = words
        self._counts: list[tuple[int, int]] | None = None
        self._found: int | None = None

    def find_rows(self) -> list[tuple[int, int]]:
        """Return the IDs of the rows in order, each with how many of its contacts are listed."""
        raise NotImplementedError

    def condition(self) -> str:
        """Return what is true of the contacts of these rows that are listed."""
        return "true"

    def read_contacts(self, where: str, parameters: list[Any], offset: int, limit: int) -> list[ListedContact]:
        """Return contacts of the rows in their order."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self._count_found() if self._words else sum(contacts for _pk, contacts in self._sizes())

    def read(self, start: int, stop: int) -> list[ListedContact]:
        return self._look(start, stop) if self._words else self._open(start, stop)

    def all(self) -> Iterator[ListedContact]:
        if self._words:
            yield from self._look(0, len(self))
            return
        for pk, size in self._sizes():
            yield from self._in_row(pk, 0, size)

    def _sizes(self) -> list[tuple[int, int]]:
        if self._counts is None:
            self._counts = self.find_rows()
        return self._counts

    def _open(self, start: int, stop: int) -> list[ListedContact]:
        contacts: list[ListedContact] = []
        passed = 0
        for pk, size in self._sizes():
            if passed >= stop:
                break
            first, last = max(start - passed, 0), min(stop - passed, size)
            if first < last:
                contacts += self._in_row(pk, first, last - first)
            passed += size
        return contacts

    def _in_row(self, pk: int, offset: int, limit: int) -> list[ListedContact]:
        return self.read_contacts(f"{self.table}.id = %s AND {self.condition()}", [pk], offset, limit)

    def _look(self, start: int, stop: int) -> list[ListedContact]:
        where, parameters = self._search()
        return self.read_contacts(where, parameters, start, stop - start)

    def _search(self) -> tuple[str, list[Any]]:
        where = f"{self.table}.id = ANY (%s) AND strpos(person.email, %s) > 0 AND {self.condition()}"
        return where, [[pk for pk, _size in self._sizes()], searched(self._words)]

    def _count_found(self) -> int:
        if self._found is None:
            where, parameters = self._search()
            with database.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {self.people} WHERE {where}", parameters)  # noqa: S608
                self._found = int(cursor.fetchone()[0])
        return self._found


class BlockContacts(ArrayContacts):
    """The contacts of blocks."""

    people = """exports_contactblock block, unnest(block.profile_ids, block.emails)
                WITH ORDINALITY AS person (profile_id, email, place)"""
    table = "block"

    def __init__(self, blocks: QuerySet[ContactBlock], reasons: Mapping[str, str], words: str = "") -> None:
        super().__init__(words)
        self._blocks, self._reasons = blocks, reasons

    def find_rows(self) -> list[tuple[int, int]]:
        return list(self._blocks.order_by("pk").values_list("pk", "size"))

    def read_contacts(self, where: str, parameters: list[Any], offset: int, limit: int) -> list[ListedContact]:
        statement = f"""
            SELECT person.profile_id, person.email, block.kind, block.code, block.segment
              FROM {self.people} WHERE {where} ORDER BY block.id, person.place OFFSET %s LIMIT %s
        """  # noqa: S608 - only our own fragments are put in
        with database.cursor() as cursor:
            cursor.execute(statement, [*parameters, offset, limit])
            rows = cursor.fetchall()
        return [
            ListedContact(
                email, profile_id or None, ContactKind(kind), code, self._reasons.get(code, ""), segment=segment
            )
            for profile_id, email, kind, code, segment in rows
        ]


def searched(text: str) -> str:
    """Return what to look for among normal forms: an address in its own, part of one in lower case."""
    return comparable_email(text) or text.lower()
