"""Store the settings of a run as they were when it was checked: its snapshot. Later edits of the export change
nothing under way."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from django.db import models

from config.platform.text.address_share import AddressShare
from connections.destinations.values import FieldMapping, TargetField
from exports.models.export import ControlMode, Removal

# What the field of a control group says. Segments and campaigns at the destination compare with these words, so
# they are the same in every language.
CONTROL, TREATMENT = "Control", "Treatment"


@dataclass(frozen=True)
class RunOptions:
    """Options of one run alone. Without any, a run sends the difference and lets its guards hold removals.
    Scheduled runs have none."""

    everyone: bool = False  # also contacts that have not changed
    resubscribe: bool = False  # contacts that the list had suppressed when the run was asked for
    # Restore the subscribers that this run of the export removed, and send no other contact.
    restores: int | None = None
    # Up to so many removals have been confirmed; None: the guards decide.
    confirmed_removals: int | None = None
    # The removal settings that were confirmed, and that a list cleanup uses. An ordinary run whose export removes
    # in another way by then is not confirmed.
    removal: Mapping[str, Any] | None = None

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> Self:
        """Read options from JSON."""
        return cls(**_known(cls, kept))

    def keep(self) -> dict[str, Any]:
        """Return the options that differ from an ordinary run, as JSON."""
        return {name: value for name, value in asdict(self).items() if value}


ORDINARY = RunOptions()


@dataclass(frozen=True)
class SegmentSnapshot:
    """A segment of the export, with its size at that time."""

    id: int
    name: str = ""
    members: int = 0


@dataclass(frozen=True)
class RemovalSettings:
    """How contacts that leave the segments are removed from the list."""

    how: str = Removal.LEAVE
    mark_field: str = ""
    mark_value: str = ""
    # What an unsubscribe means to the list, and whether a user has accepted one from all lists.
    unsubscribe_scope: str | None = None
    unsubscribes_everywhere: bool = False


@dataclass(frozen=True)
class ControlSettings:
    """The control group of an export, and what is done with it."""

    mode: str = ControlMode.OFF
    percentage: int = 0
    field: str = ""
    salt: str = ""

    @property
    def group(self) -> AddressShare | None:
        """The addresses in the control group; None when there is none."""
        return None if self.mode == ControlMode.OFF else AddressShare(self.salt, self.percentage)

    @property
    def held_out(self) -> AddressShare | None:
        """The addresses that the export does not send; None when it sends all."""
        return self.group if self.mode == ControlMode.HOLD_OUT else None

    @property
    def written_to(self) -> str:
        """The key of the field that says who is in the control group; empty when none does."""
        return self.field if self.mode == ControlMode.FIELD else ""


@dataclass(frozen=True)
class RunSnapshot:
    """The settings of a run. Raw SQL reads some of them from JSON by these names."""

    export_version: int = 0
    connection: str = ""
    list_title: str = ""
    confirmed_opt_in: bool = False
    opt_in_mail_accepted: bool = False
    segments: Sequence[SegmentSnapshot] = ()
    email_attribute: str = ""
    required_attribute: str = ""  # the attribute that must say yes, by the limits of the connection
    mapping: Sequence[FieldMapping] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    # Which contacts an answer concerns, where that is not all of them, by the name of the option.
    concerns: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[TargetField] = ()
    removal: RemovalSettings = RemovalSettings()
    control: ControlSettings = ControlSettings()
    options: RunOptions = ORDINARY
    run: str = ""
    asked_in: int | None = None  # the run that was asked for: itself, or the first that it tries again
    # The time of the account when the run was checked; whether its time zone is known.
    clock_there: str = ""
    clock_zone_known: bool = True
    # Fields of the list that have changed since the last run: emptied, able to hold more, made again.
    emptied_fields: Sequence[str] = ()
    extended_fields: Sequence[str] = ()
    changed_fields: Sequence[str] = ()

    @property
    def field_labels(self) -> Mapping[str, str]:
        """The labels of the list's fields by key."""
        return {each.key: each.label for each in self.fields}

    @property
    def sent_mapping(self) -> list[FieldMapping]:
        """The mapping, with the field of the control group last, which no attribute is mapped to."""
        control = self.control.written_to
        return [*self.mapping, *([FieldMapping("", control)] if control else [])]

    @property
    def mapped_fields(self) -> list[str]:
        """The keys of the fields that values are sent to, in their order."""
        return [pair.field_key for pair in self.sent_mapping]

    @property
    def segment_ids(self) -> list[int]:
        return [segment.id for segment in self.segments]

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read a snapshot from JSON. What older versions did not store has its default."""
        values = _known(cls, kept)
        segments = (SegmentSnapshot(**_known(SegmentSnapshot, each)) for each in kept.get("segments", ()))
        values["segments"] = tuple(segments)
        pairs = kept.get("mapping", ())
        values["mapping"] = tuple(map(FieldMapping.from_json, pairs))
        values["fields"] = tuple(TargetField(**each) for each in kept.get("fields", ()))
        values["removal"] = RemovalSettings(**_known(RemovalSettings, kept.get("removal", {})))
        values["control"] = ControlSettings(**_known(ControlSettings, kept.get("control", {})))
        values["options"] = RunOptions.kept(kept.get("options", {}))
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the snapshot as JSON; empty for a run that is not checked yet."""
        if self == NO_SNAPSHOT:
            return {}
        mapping = [pair.to_json() for pair in self.mapping]
        return asdict(self) | {"mapping": mapping, "options": self.options.keep()}


NO_SNAPSHOT = RunSnapshot()


def _known(kind: type, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that fields of a dataclass have."""
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in kept.items() if name in names}


class SnapshotField(models.JSONField):
    """A column of JSON that is a RunSnapshot in Python."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> RunSnapshot:
        return RunSnapshot.from_json(super().from_db_value(value, expression, connection) or {})

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        kept = value.to_json() if isinstance(value, RunSnapshot) else value
        return super().get_db_prep_value(kept, connection, prepared)
