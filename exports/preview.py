"""What a run would send, without sending: the plan itself, rolled back."""

import math
from dataclasses import dataclass

from django.db import transaction

from connections import credentials
from connections.destinations.values import ListDetails
from exports import matching, planning
from exports.models import Export
from exports.planning import Figures


@dataclass(frozen=True)
class Preview:
    """The figures of a plan and the first people of it, exactly as they would be sent."""

    list_details: ListDetails
    figures: Figures
    calls: int
    payloads: list[str]
    violations: list[tuple[str, str]]  # address and sentence, among the first people


class _Undo(Exception):
    """Ends the transaction of a preview."""


def preview(export: Export, *, first: int = 20) -> Preview:
    """Draw the plan of ``export`` as it is now. Raises DestinationError or NotConnected."""
    connection = export.connection
    if connection is None:
        raise credentials.NotConnected("The export has no connection.")
    details = connection.destination.list_details(credentials.access(connection), export.list_id)
    frozen = matching.freeze(export, details)
    prepare = connection.destination.preparer(matching.send_settings(export.list_id, frozen))
    try:
        with transaction.atomic():
            figures = planning.draw(frozen, connection.account, export.list_id, export.pk)
            people = list(planning.people(prepare, limit=first))
            raise _Undo
    except _Undo:
        pass
    return Preview(
        list_details=details,
        figures=figures,
        calls=math.ceil(figures.to_send / connection.destination.capabilities.batch_rows),
        payloads=[person.payload for person in people if isinstance(person, planning.Person)],
        violations=[(found[1], found[2].message) for found in people if isinstance(found, tuple)],
    )
