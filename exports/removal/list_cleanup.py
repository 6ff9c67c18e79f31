"""Clean up a list that an export leaves: remove the contacts that the export added, because a person said so when
choosing another list or removing the export.

It is a run without contacts to send: the same batches, fences and results as every removal, over the connection
that leads to the old list.
"""

from dataclasses import asdict, dataclass

from django.db import OperationalError
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.db import limit_statements, rolled_back
from config.platform.jobs.models import OPEN
from connections.destinations.values import BatchOperation
from connections.models import Connection
from connections.permissions import user_can_use
from exports.models import DeliveredSet, Export, Origin, Removal, RemovedContact, Run
from exports.models.snapshot import RunOptions
from exports.removal import removal_plan
from exports.state.known_list import KnownList


@dataclass(frozen=True)
class CleanupSettings:
    """How the contacts on a list that an export leaves are removed, and how many the user saw who chose it."""

    how: str = Removal.LEAVE
    mark_field: str = ""
    mark_value: str = ""
    unsubscribes_everywhere: bool = False
    people: int = 0

    @property
    def is_wanted(self) -> bool:
        return self.how != Removal.LEAVE

    def options(self) -> RunOptions:
        """Return the options of the run that carries the cleanup out."""
        removal = {name: value for name, value in asdict(self).items() if name != "people"}
        return RunOptions(confirmed_removals=self.people, removal=removal)

    @classmethod
    def asked_of(cls, run: Run) -> "CleanupSettings":
        """Read the settings from the options of a cleanup run."""
        return cls(**run.options["removal"], people=run.options.get("confirmed_removals", 0))


@dataclass(frozen=True)
class AbandonedList:
    """A list that holds contacts that an export added, and the connection that leads there, if one does."""

    delivered_set: DeliveredSet
    connection: Connection | None


@dataclass(frozen=True)
class FormerList:
    """A list that an export has left, with the number of contacts that it added, or may have, and that are
    still known there; and the cleanup under way."""

    delivered_set: DeliveredSet
    people: int
    run: Run | None


def left_by_removing(export: Export) -> AbandonedList | None:
    """Return the list that the export sends to, if it has added contacts there."""
    known = _where_it_goes(export)
    if known is None or not _holds_somebody(known):
        return None
    return AbandonedList(known, export.connection if export.connection_id else None)


def left_by_moving(export: Export, connection: Connection | None, list_id: str) -> AbandonedList | None:
    """The same when it goes to ``list_id`` over ``connection`` from now on; None when it stays where it is."""
    known = _where_it_goes(export)
    if known is None or connection is None or not list_id or is_at(known, connection, list_id):
        return None
    if not _holds_somebody(known):
        return None
    ways = [way for way in (export.connection, connection) if way and way.account == known.account]
    return AbandonedList(known, ways[0] if ways else None)


def _holds_somebody(known: DeliveredSet) -> bool:
    """Who was marked on leaving is on the list as well."""
    marked = RemovedContact.objects.filter(
        list_state=known.list_state_id, exports__contains=[known.export_id], operation=BatchOperation.MARK
    )
    return removal_plan.contacts_of(KnownList.of(known)).exists() or marked.exists()


def former_lists(export: Export) -> list[FormerList]:
    """Return the lists that the export does not send to any more, as long as it may have added contacts there."""
    sets = {known.pk: known for known in _left_sets(export)}
    counts = {pk: people for pk, known in sets.items() if (people := _count_added(known))}
    open_runs = export.runs.filter(cleanup__delivered_set__in=sets, status__in=OPEN).select_related("cleanup")
    runs = {run.cleanup.delivered_set_id: run for run in open_runs} if counts else {}
    return [FormerList(known, counts[pk], runs.get(pk)) for pk, known in sets.items() if pk in counts]


def count_known(known: DeliveredSet) -> int:
    """How many known contacts of the list the export wanted."""
    return removal_plan.contacts_of(KnownList.of(known)).count()


def _count_added(known: DeliveredSet) -> int:
    """How many known contacts of the list the export wanted that it, or another export, may have added."""
    return removal_plan.contacts_of(KnownList.of(known)).exclude(origin=Origin.PRE_EXISTING).count()


def find_former_list(export: Export, set_id: int, *, by: User | None) -> AbandonedList | None:
    """Return one of these lists, with the connection of the export if that leads there, else another one that
    the user may use. None when the export sends there again, or has no contacts there."""
    known = next((known for known in _left_sets(export) if known.pk == set_id), None)
    if known is None or not _holds_somebody(known):
        return None
    ways = [export.connection] if export.connection else []
    ways += Connection.objects.filter(removal_asked_at=None).order_by("pk")
    usable = (way for way in ways if way.account == known.account and (by is None or user_can_use(by, way)))
    return AbandonedList(known, next(usable, None))


def _left_sets(export: Export) -> list[DeliveredSet]:
    goes = _where_it_goes(export)
    at = export.connection
    sets = export.delivered_sets.order_by("pk")
    return [known for known in sets if known != goes and not (at and is_at(known, at, export.list_id))]


def _where_it_goes(export: Export) -> DeliveredSet | None:
    """Without a connection any more: where it went last."""
    sets = export.delivered_sets.filter(list_id=export.list_id)
    if export.connection is not None:
        sets = sets.filter(account=export.connection.account)
    return sets.order_by("-pk").first()


def is_at(known: DeliveredSet, connection: Connection, list_id: str) -> bool:
    """An id is the same list however it is written."""
    return (known.account, known.list_id.casefold()) == (connection.account, list_id.casefold())


def people_of(delivered_set: DeliveredSet, *, patience_seconds: float = 15.0) -> int | None:
    """Count the contacts that a cleanup would remove as things are now; None when that takes longer than a
    person waits. Some of them may turn out to have been on the list before."""
    try:
        with rolled_back():
            limit_statements(patience_seconds)
            return removal_plan.count_all_removals(delivered_set)
    except OperationalError:
        return None


def why_forbidden(connection: Connection, list_id: str, how: str) -> str:
    """What the limits of the connection have against it; empty for nothing."""
    if not connection.limited.allows_list(list_id):
        return _("The limits of the connection do not allow this list.")
    if how in (Removal.DELETE, Removal.UNSUBSCRIBE) and not connection.limited.may_remove:
        return _("The limits of the connection do not allow removing contacts from lists.")
    return ""
