"""Define what segments ask of exports: where a segment is used, and what is known of a person.

``exports/hooks/`` implements the protocols and ``exports/apps.py`` sets the implementations when Django starts, so
that segments need not import exports.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config.platform.accounts.models import User
from segments.models import AttributeType, DataSource, Erasure
from segments.privacy.subjects import Subject


@dataclass(frozen=True)
class Usage:
    """A thing that uses a segment, with the address of its page."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True)
class UsageChoice:
    """A thing that uses the segment or could; ``obstacle`` says why the user cannot change that, else empty."""

    key: str
    name: str
    url: str
    is_used: bool
    obstacle: str = ""


class CannotChangeUsage(Exception):
    """A thing cannot start or stop using a segment now; the message says why, for users."""


class SegmentUsers(Protocol):
    """The things that use segments."""

    def usages(self, segment_id: int) -> Sequence[Usage]:
        """Return everything that uses the segment, by name."""
        ...

    def usages_of_each(self, segment_ids: Collection[int]) -> Mapping[int, Sequence[Usage]]:
        """Return everything that uses each segment, by name, in one query; segments that nothing uses may be
        missing."""
        ...

    def usage_counts(self, segment_ids: Collection[int]) -> Mapping[int, int]:
        """Count what uses each segment, in one query; segments that nothing uses may be missing."""
        ...

    def choices(self, segment_id: int, user: User) -> Sequence[UsageChoice]:
        """Return everything that uses the segment or could, what uses it first."""
        ...

    def add_url(self, segment_id: int, user: User) -> str:
        """Return the address where ``user`` can create a thing with the segment; empty without permission."""
        ...

    def change_usage(self, segment_id: int, *, start: Collection[str], stop: Collection[str], by: User) -> None:
        """Let the things with these keys start or stop using the segment, all or none. Raises CannotChangeUsage
        and PermissionDenied."""
        ...


class AttributeUsers(Protocol):
    """The things outside of this app that use attributes."""

    def usages(self) -> Mapping[str, Sequence[Usage]]:
        """Return what uses each attribute, by the name of the attribute in lower case."""
        ...

    def lock(self) -> None:
        """Lock what uses attributes until the caller's transaction ends: nothing new starts to read them."""
        ...

    def open_uses(self, name: str) -> Sequence[Usage]:
        """Return what reads an attribute right now."""
        ...

    def unable(self, name: str, kind: AttributeType) -> Sequence[Usage]:
        """Return what uses an attribute and could not if it had this type."""
        ...

    def telling_apart(self, one: str, other: str) -> Sequence[Usage]:
        """Return what allows one of two attributes to be sent and not the other."""
        ...

    def rename(self, before: str, after: str, *, by: User | None) -> None:
        """Rename an attribute in all that uses it, within the caller's transaction."""
        ...


@dataclass(frozen=True)
class ContactedList:
    """A list at a destination that a person was sent to. ``first_at`` and ``last_at`` are when; ``retention`` says
    what the destination keeps of a removed person; ``obstacle`` why the person cannot be removed, else empty."""

    key: str
    title: str
    destination: str
    connection: str
    first_at: datetime | None
    last_at: datetime | None
    retention: str = ""
    obstacle: str = ""


@dataclass(frozen=True)
class ExcludedMember:
    """A customer that the last run of an export excluded. ``url`` is that of the run."""

    export: str
    number: int
    url: str
    reason: str


@dataclass(frozen=True)
class ListRemoval:
    """The progress of removing an erased person from a list."""

    title: str
    connection: str
    status: str
    status_label: str
    message: str
    is_open: bool


class PersonalData(Protocol):
    """Personal data outside of this app, for subject access and erasure."""

    def email_attributes(self) -> Collection[str]:
        """Return the names of the attributes that contacts are addressed by."""
        ...

    def look_up_url(self) -> str:
        """Return where users who see personal data can look up an address, posted as ``email``."""
        ...

    def report(self, subject: Subject) -> Mapping[str, object]:
        """Return all data of a person as plain values, by the kind of data."""
        ...

    def lists(self, subject: Subject) -> Sequence[ContactedList]:
        """Return the lists that a person was sent to, those of removed exports and connections included."""
        ...

    def exclusions(self, profile_id: int) -> Sequence[ExcludedMember]:
        """Return the exports whose last run excluded a customer."""
        ...

    def erase(self, subject: Subject, erasure: Erasure, lists: Collection[str]) -> Mapping[str, int]:
        """Erase a person within the caller's transaction and queue their removal from the lists with these keys;
        return how many of what was erased."""
        ...

    def list_removals(self, erasure: Erasure) -> Sequence[ListRemoval]:
        """Return the removals from lists that an erasure queued."""
        ...


class SourceFollowers(Protocol):
    """What runs after data sources."""

    def imported(self, source: DataSource) -> None:
        """Note that an import of a data source has succeeded, within the transaction that ends it."""
        ...


segment_users: SegmentUsers
attribute_users: AttributeUsers
personal_data: PersonalData
source_followers: SourceFollowers
