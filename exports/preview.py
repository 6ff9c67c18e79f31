"""What a run would send, without sending: the plan itself, rolled back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import OperationalError, transaction
from django.db import connection as database

from connections import credentials
from connections.destinations.values import ListDetails
from connections.models import Connection
from exports import matching, planning
from exports.batch_writing import Person
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


@dataclass(frozen=True)
class Sketch:
    """What a plan can be drawn from before anything is saved. ``export_id`` is None for a new export."""

    connection: Connection
    list_id: str
    segment_ids: Sequence[int]
    email_attribute: str
    mapping: Sequence[Mapping[str, str]] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    export_id: int | None = None


class _Undo(Exception):
    """Ends the transaction of a preview."""


def figures_of(sketch: Sketch, *, patience_seconds: float = 15.0) -> Figures | None:
    """How many would be sent as things are now, those who are new to the export among them. None when that cannot
    be counted in the time that somebody at a page has."""
    frozen = {
        "segments": [{"id": segment_id} for segment_id in sketch.segment_ids],
        "email_attribute": sketch.email_attribute,
        "required_attribute": sketch.connection.limited.required_attribute,
        "mapping": sketch.mapping,
        "answers": sketch.answers,
    }
    figures: Figures | None = None
    try:
        with transaction.atomic():
            with database.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(int(patience_seconds * 1000))]
                )
            figures = planning.draw(frozen, sketch.connection.account, sketch.list_id, sketch.export_id)
            raise _Undo
    except _Undo:
        return figures
    except OperationalError:
        return None


def preview(export: Export, *, first: int = 20) -> Preview:
    """Draw the plan of ``export`` as it is now. Raises DestinationError or NotConnected."""
    connection = export.connection
    if connection is None:
        raise credentials.NotConnected("The export has no connection.")
    details = connection.destination.list_details(credentials.access(connection), export.list_id)
    frozen = matching.freeze(export, details)
    settings = matching.send_settings(export.list_id, frozen)
    try:
        with transaction.atomic():
            figures = planning.draw(frozen, connection.account, export.list_id, export.pk)
            people = list(planning.people(connection.destination, settings, limit=first))
            raise _Undo
    except _Undo:
        pass
    return Preview(
        list_details=details,
        figures=figures,
        calls=math.ceil(figures.to_send / connection.destination.capabilities.batch_rows),
        payloads=[person.payload for person in people if isinstance(person, Person)],
        violations=[(found[1], found[2].message) for found in people if isinstance(found, tuple)],
    )
