"""Keep the catalog of attributes: their names and types. The first import with a value for an attribute decides
its type. Names are spelled as in that file and compared without case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from segments.models import AttributeType, ProfileAttribute

_LOCK = 7_301_001
_NAMES_LOCK = 7_301_002


@dataclass(frozen=True)
class Attribute:
    """An attribute of the catalog, with its columns in the profile store. They are named after ``number``, the ID
    of the attribute unless its columns were written again, so that renaming changes no data. ``has_bare_numbers``
    is that of ProfileAttribute."""

    name: str
    data_type: AttributeType
    id: int = 0
    has_emails: bool = False
    has_originals: bool = False
    is_searchable: bool = True
    column_number: int | None = None
    has_bare_numbers: bool | None = None

    @property
    def number(self) -> int:
        """The number in the names of its columns."""
        return self.id if self.column_number is None else self.column_number

    @property
    def column(self) -> str:
        """The column of the value."""
        return f"a{self.number}"

    @property
    def email_column(self) -> str:
        """The column of the normalized email address; it exists when ``has_emails``."""
        return f"a{self.number}_email"

    @property
    def text_column(self) -> str:
        """The column of the text that was imported, where the value does not give it back; it exists when
        ``has_originals``."""
        return f"a{self.number}_text"


@dataclass(frozen=True)
class ValueCount:
    """A value of an attribute, with the number of profiles that have it."""

    value: str
    profiles: int


def attributes() -> list[Attribute]:
    """Return every attribute by name."""
    return [attribute_of(row) for row in ProfileAttribute.objects.order_by("name")]


def attribute_of(row: ProfileAttribute) -> Attribute:
    """Return an attribute by its row."""
    return Attribute(
        row.name,
        AttributeType(row.data_type),
        row.pk,
        has_emails=row.has_emails,
        has_originals=row.has_originals,
        is_searchable=row.is_searchable,
        column_number=row.column_number,
        has_bare_numbers=row.has_bare_numbers,
    )


def types_by_name() -> dict[str, AttributeType]:
    """Return the type of every attribute, by its name."""
    return {attribute.name: attribute.data_type for attribute in attributes()}


def find(names: Iterable[str]) -> dict[str, Attribute]:
    """Map the names that the catalog knows, in any case, to their attributes."""
    by_folded = {attribute.name.casefold(): attribute for attribute in attributes()}
    return {name: by_folded[name.casefold()] for name in names if name.casefold() in by_folded}


def lock() -> None:
    """Lock the catalog against other additions until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def lock_names() -> None:
    """Lock the names of attributes until this transaction ends, to change or delete one: no rules are saved
    meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NAMES_LOCK])


def keep_names() -> None:
    """Let no attribute be renamed or deleted until this transaction ends, so that names that were checked stay
    right."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_NAMES_LOCK])


class TooManyAttributes(Exception):
    """An import would exceed MAX_ATTRIBUTES; the message is for users."""


def check_limit(more: int) -> None:
    """Raise TooManyAttributes when the catalog has no room for ``more`` attributes."""
    known = ProfileAttribute.objects.count() if more else 0
    if known + more > settings.MAX_ATTRIBUTES:
        raise TooManyAttributes(
            _("The file adds %(more)d attributes to the existing %(known)d. The maximum is %(most)d.")
            % {"more": more, "known": known, "most": settings.MAX_ATTRIBUTES}
        )


def others_than(given: Sequence[Attribute]) -> list[Attribute]:
    """Return the attributes of the catalog that are not among ``given``."""
    ids = {each.id for each in given}
    return [each for each in attributes() if each.id not in ids]
