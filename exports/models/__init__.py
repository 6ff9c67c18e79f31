"""Exports (standing orders), their runs, and what the runs left behind."""

from exports.models.batch import IS_REMOVAL, Batch, BatchStatus, Outcome, OutcomeKind
from exports.models.campaign import Campaign, CampaignReading
from exports.models.contact_block import ContactBlock
from exports.models.delivered import DeliveredSet, Refused
from exports.models.disclosure import DisclosedList, Disclosure, PersonKey, PersonRemoval
from exports.models.evidence import EvidenceWriting
from exports.models.export import LARGEST_CONTROL_GROUP, ControlMode, Export, Removal
from exports.models.list_cleanup import ListCleanup
from exports.models.list_comparison import DriftKind, ListComparison, ListDrift, ListedContact
from exports.models.list_state import (
    IMPORTED,
    LEARNED,
    ImportedSuppression,
    ListState,
    Origin,
    RemovedContact,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)
from exports.models.list_watch import ListWatch
from exports.models.list_webhook import ListWebhook
from exports.models.preview import ExportPreview
from exports.models.run import Run, RunEvent, RunKind, Stage, Trigger
from exports.models.run_after import RunAfter, TriggeredStart
from exports.models.schedule import ExportSchedule, ExportTick

__all__ = [
    "IMPORTED",
    "IS_REMOVAL",
    "LARGEST_CONTROL_GROUP",
    "LEARNED",
    "Batch",
    "BatchStatus",
    "Campaign",
    "CampaignReading",
    "ContactBlock",
    "ControlMode",
    "DeliveredSet",
    "DisclosedList",
    "Disclosure",
    "DriftKind",
    "EvidenceWriting",
    "Export",
    "ExportPreview",
    "ExportSchedule",
    "ExportTick",
    "ImportedSuppression",
    "ListCleanup",
    "ListComparison",
    "ListDrift",
    "ListState",
    "ListWatch",
    "ListWebhook",
    "ListedContact",
    "Origin",
    "Outcome",
    "OutcomeKind",
    "PersonKey",
    "PersonRemoval",
    "Refused",
    "Removal",
    "RemovedContact",
    "Run",
    "RunAfter",
    "RunEvent",
    "RunKind",
    "Stage",
    "StatusSource",
    "SubscriberStatus",
    "SyncedContact",
    "Trigger",
    "TriggeredStart",
]
