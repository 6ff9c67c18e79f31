"""Exports (standing orders), their runs, and what the runs left behind."""

from exports.models.batch import Batch, BatchStatus, Outcome, OutcomeKind
from exports.models.delivered import Delivered, DeliveredSet, Refused
from exports.models.disclosure import DisclosedList, Disclosure, PersonKey, PersonRemoval
from exports.models.export import Export
from exports.models.run import Run, RunEvent, Stage, Trigger
from exports.models.schedule import ExportSchedule, ExportTick

__all__ = [
    "Batch",
    "BatchStatus",
    "Delivered",
    "DeliveredSet",
    "DisclosedList",
    "Disclosure",
    "Export",
    "ExportSchedule",
    "ExportTick",
    "Outcome",
    "OutcomeKind",
    "PersonKey",
    "PersonRemoval",
    "Refused",
    "Run",
    "RunEvent",
    "Stage",
    "Trigger",
]
