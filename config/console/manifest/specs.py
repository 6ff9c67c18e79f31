"""Read the entries of a manifest. What the file does not say (None) stays as it is, or takes its default."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from config.console.manifest import document
from config.console.manifest.control_groups import CONTROL_KEYS, ControlSpec, read_control
from config.console.manifest.document import Entry, Lined, LinedRules, Problems
from config.console.manifest.limits import read_limits, read_parallel_requests
from config.console.manifest.mapped_fields import MappedField, read_fields
from config.console.manifest.run_after import AFTER_KEYS, RunAfterSpec, read_run_after
from config.console.manifest.tags import read_tags
from config.platform.jobs.models import Schedule
from config.platform.schedules.next_due import Recurrence
from config.platform.schedules.serialize import WrongRule, from_plain, to_plain
from connections.destinations.base import Destination
from connections.destinations.values import ListDetails
from connections.models import Limits
from exports.actions.manage import ExportSettings
from exports.forms import removal_fields
from exports.models import Export, Removal

# What a file says of secrets that are stored here: they stay.
KEPT = "kept"
REMOVAL_KEYS = ("removal", "mark_field", "mark_value")


@dataclass(frozen=True)
class RemovalSpec:
    """The keys ``removal``, ``mark_field`` and ``mark_value`` of an export, as written; None for what the file
    does not say. ``entry_line`` is that of the export."""

    entry_line: int
    removal: Lined | None
    mark_field: Lined | None
    mark_value: Lined | None

    @property
    def line(self) -> int:
        """Return the line at which problems are reported."""
        written = self.mark_field or self.removal or self.mark_value
        return written[1] if written else self.entry_line


def read_removal(entry: Entry) -> RemovalSpec:
    """Read the three keys of an export's entry about contacts that leave its segments."""
    return RemovalSpec(entry.line, *(entry.lined(key, most=100) for key in REMOVAL_KEYS))


def check_removal(
    spec: RemovalSpec, existing: Export | None, destination: Destination, problems: Problems
) -> None:
    """Add the problems of ``spec`` that can be known before the list is."""
    offered = [removal.value for removal in removal_fields.offered(destination)]
    if spec.removal and spec.removal[0] not in offered:
        sentence = _("“%(name)s” must be one of: %(choices)s.")
        problems.add(spec.removal[1], sentence % {"name": "removal", "choices": ", ".join(offered)})
        return
    marks = _removal_of(spec, existing) == Removal.MARK
    present = existing.mark_field if existing and existing.removal == Removal.MARK else ""
    if marks and not (spec.mark_field or present):
        problems.add(spec.line, _("“%s” is missing.") % "mark_field")
    for written, key in ((spec.mark_field, "mark_field"), (spec.mark_value, "mark_value")):
        if written and not marks:
            problems.add(written[1], _("“%s” requires “removal: mark”.") % key)


def with_removal(spec: RemovalSpec, existing: Export | None, from_file: ExportSettings) -> ExportSettings:
    """Return ``from_file`` with the removal policy of the file, or else the policy that the export has."""
    how = _removal_of(spec, existing)
    field, value = "", ""
    if how == Removal.MARK:
        present = existing if existing and existing.removal == Removal.MARK else None
        field = spec.mark_field[0] if spec.mark_field else present.mark_field if present else ""
        value = spec.mark_value[0] if spec.mark_value else present.mark_value if present else ""
        value = value or str(removal_fields.DEFAULT_MARK)
    return replace(from_file, removal=how, mark_field=field, mark_value=value)


def with_list_details(
    settings: ExportSettings, spec: RemovalSpec, details: ListDetails, problems: Problems
) -> tuple[ExportSettings, Sequence[str]]:
    """Return the settings once the list is known, with notes about them. A field that cannot hold the mark is a
    problem."""
    if settings.removal == Removal.MARK:
        mapped = [pair["field"] for pair in settings.mapping]
        if error := removal_fields.why_not_marked(settings.mark_field, settings.mark_value, details, mapped):
            problems.add(spec.line, error)
    if spec.removal is None:  # the user who chose it saw which lists it reaches
        return settings, []
    everywhere = removal_fields.reaches_everywhere(settings.removal, details)
    notes = [_("Unsubscribing applies to all lists of the client.")] if everywhere else []
    return replace(settings, unsubscribes_everywhere=everywhere), notes


def _removal_of(spec: RemovalSpec, existing: Export | None) -> str:
    if spec.removal:
        return spec.removal[0]
    return existing.removal if existing else Removal.LEAVE.value


SYSTEM, OFF = "system", "off"
_SINGLE = ("recurrence", "zone", "starts_on", "cron")
_LISTS = ("times", "weekdays", "month_days")
SCHEDULE_KEYS = ("on", "hours", *_SINGLE, *_LISTS)
SYSTEM_REFRESH = "system_refresh"


@dataclass(frozen=True)
class ScheduleSpec:
    """What a file says of a schedule; ``rule`` is in plain values, None for every system refresh."""

    is_on: bool
    rule: dict[str, Any] | None

    def save_to(self, schedule: Schedule, save: Callable[..., object]) -> list[str]:
        """Call ``save`` when ``schedule`` is another one. Returns which fields of the entry that changed."""
        if (schedule.is_on, schedule.rule) == (self.is_on, self.rule):
            return []
        save(is_on=self.is_on, rule=self.rule, version=schedule.version, by=None)
        return ["schedule"]


def _schedule(entry: Entry, problems: Problems) -> ScheduleSpec | None:
    """Read the schedule of an entry: “system”, “off”, or a mapping with the fields of a rule. None when the
    file does not say; problems are added to ``problems``."""
    node = entry.value("schedule")
    if node is None:
        return None
    if text := document.text_of(node):
        if text not in (SYSTEM, OFF):
            entry.note("schedule", _("Use system, off, or a schedule such as {recurrence: daily, …}."))
            return None
        return ScheduleSpec(is_on=text != OFF, rule=None)
    return _rule(Entry(node, problems, SCHEDULE_KEYS), problems)


def _rule(entry: Entry, problems: Problems) -> ScheduleSpec | None:
    is_on = entry.truth("on") is not False
    if entry.text("recurrence", required=True) == SYSTEM:
        return ScheduleSpec(is_on, None)
    plain: dict[str, Any] = {name: entry.text(name) for name in _SINGLE}
    plain |= {name: [text for text, _line in entry.texts(name) or ()] for name in _LISTS}
    plain["month_days"] = [_number(day) for day in plain["month_days"]]
    plain["hours"] = _number(entry.text("hours") or "0")
    try:
        return ScheduleSpec(is_on, to_plain(from_plain(plain)))
    except WrongRule as wrong:
        for field_name, sentence in wrong.problems.items():
            problems.add(entry.line_of(field_name), f"{field_name}: {sentence}")
    return None


def _number(text: str) -> int | str:
    """Return a number, which is written as text in a file."""
    return int(text) if text.isascii() and text.isdigit() else text


def _system_refresh(root: Entry, problems: Problems) -> ScheduleSpec | None:
    """Read the schedule of the system refresh, which is daily or weekly; None when the file does not say."""
    node = root.value(SYSTEM_REFRESH)
    if node is None:
        return None
    entry = Entry(node, problems, ("schedule",))
    if "schedule" not in entry:
        entry.missing("schedule")
    spec = _schedule(entry, problems)
    if spec is None or (spec.rule is None and not spec.is_on):
        return spec
    if spec.rule is None:
        entry.note("schedule", _("Set a schedule. The system refresh cannot use the system schedule."))
    elif spec.rule["recurrence"] not in (Recurrence.DAILY, Recurrence.WEEKLY):
        entry.note("schedule", _("The system refresh must be daily or weekly."))
    elif "starts_on" in spec.rule:
        entry.note("schedule", _("The system refresh has no start date."))
    return spec


SECTIONS = ("connections", "segments", "exports", SYSTEM_REFRESH)
LONGEST_NAME = 120


@dataclass(frozen=True)
class ConnectionSpec:
    """One entry of ``connections``. ``credentials`` are as written: references, not secrets."""

    line: int
    name: str
    destination: Lined
    environment: Lined
    shared_with: Sequence[Lined] | None
    credentials: Mapping[str, Lined] | None
    credentials_line: int
    limits: Limits | None
    limits_line: int
    parallel_requests: int | None


@dataclass(frozen=True)
class SegmentFlags:
    """Whether a segment is active, static, and the exclusion segment; None for what the file does not say."""

    active: bool | None
    static: bool | None
    exclusion: bool | None


@dataclass(frozen=True)
class SegmentSpec:
    """One entry of ``segments``."""

    line: int
    name: str
    description: str | None
    rules: LinedRules
    tags: Sequence[str] | None
    flags: SegmentFlags
    schedule: ScheduleSpec | None


@dataclass(frozen=True)
class ExportSpec:
    """One entry of ``exports``. ``connection`` is None for “No connection”; ``fields`` says what the fields of the
    list get."""

    line: int
    name: str
    connection: Lined | None
    list_id: Lined
    segments: Sequence[Lined]
    email: Lined
    fields: Mapping[str, MappedField] | None
    answers: Mapping[str, Lined] | None
    removal: RemovalSpec
    control: ControlSpec
    tags: Sequence[str] | None
    tell_also: Sequence[Lined] | None
    schedule: ScheduleSpec | None
    run_after: RunAfterSpec


@dataclass
class Specs:
    """A whole file; ``sections`` are those that it has."""

    connections: list[ConnectionSpec] = field(default_factory=list)
    segments: list[SegmentSpec] = field(default_factory=list)
    exports: list[ExportSpec] = field(default_factory=list)
    sections: frozenset[str] = frozenset()
    system_refresh: ScheduleSpec | None = None


def read(path: Path, problems: Problems, content: bytes | None = None) -> Specs:
    """Read all entries; problems are added to ``problems``. Raises FileRefused when the file is no YAML."""
    root = Entry(document.read(path, content), problems, SECTIONS)
    specs = Specs(sections=frozenset(name for name, _node in root.items()))
    for entry in _named(root, "connections", CONNECTION_KEYS, problems):
        _add(specs.connections, _connection(entry, problems))
    for entry in _named(root, "segments", SEGMENT_KEYS, problems):
        _add(specs.segments, _segment(entry, problems))
    for entry in _named(root, "exports", EXPORT_KEYS, problems):
        _add(specs.exports, _export(entry, problems))
    specs.system_refresh = _system_refresh(root, problems)
    return specs


_FLAGS = ("active", "static", "exclusion")
CONNECTION_KEYS = ("destination", "environment", "shared_with", "credentials", "limits", "parallel_requests")
SEGMENT_KEYS = ("description", "rules", "schedule", "tags", *_FLAGS)
EXPORT_KEYS = (
    *("connection", "list_id", "segments", "email", "fields", "answers", "schedule", "tags", "tell_also"),
    *(*REMOVAL_KEYS, *CONTROL_KEYS, *AFTER_KEYS),
)


def _add(specs: list[Any], spec: object | None) -> None:
    if spec is not None:
        specs.append(spec)


def _named(root: Entry, section: str, keys: Sequence[str], problems: Problems) -> Iterator[Entry]:
    """Yield the entries of a section. Two by one name, whatever its case, are a problem."""
    first_lines: dict[str, int] = {}
    for node in document.entries(root, section):
        entry = Entry(node, problems, ("name", *keys))
        name = document.text_of(value) if (value := entry.value("name")) is not None else None
        folded = (name or "").strip().casefold()
        if folded and folded in first_lines:
            entry.note(
                "name",
                _("“%(name)s” is already on line %(line)d. Names must be unique, regardless of case.")
                % {"name": name, "line": first_lines[folded]},
            )
        first_lines.setdefault(folded, entry.line_of("name"))
        yield entry


def _connection(entry: Entry, problems: Problems) -> ConnectionSpec | None:
    name = entry.text("name", required=True, most=LONGEST_NAME)
    destination = entry.lined("destination", required=True)
    environment = entry.lined("environment", required=True)
    shared_with = entry.texts("shared_with")
    is_kept = document.says(entry.value("credentials"), KEPT)
    credentials = None if is_kept else _texts_by_key(entry, "credentials", problems)
    limits, parallel_requests = read_limits(entry, problems), read_parallel_requests(entry)
    if name is None or destination is None or environment is None:
        return None
    required = entry.line, name, destination, environment, shared_with, credentials
    return ConnectionSpec(
        *required, entry.line_of("credentials"), limits, entry.line_of("limits"), parallel_requests
    )


def _segment(entry: Entry, problems: Problems) -> SegmentSpec | None:
    name = entry.text("name", required=True, most=LONGEST_NAME)
    description = entry.text("description", most=500)
    node = entry.value("rules")
    if node is None:
        entry.missing("rules")
        return None
    rules = document.read_rules(node, problems)
    schedule = _schedule(entry, problems)
    if name is None:
        return None
    flags = SegmentFlags(*(entry.truth(flag) for flag in _FLAGS))
    return SegmentSpec(entry.line, name, description, rules, read_tags(entry), flags, schedule)


def _export(entry: Entry, problems: Problems) -> ExportSpec | None:
    name = entry.text("name", required=True, most=LONGEST_NAME)
    detached = document.is_nothing(entry.value("connection"))
    connection = None if detached else entry.lined("connection", required=True)
    list_id = entry.lined("list_id", required=True, most=64)
    segments = entry.texts("segments", required=True)
    email = entry.lined("email", required=True, most=LONGEST_NAME)
    fields = read_fields(entry, problems)
    answers = _texts_by_key(entry, "answers", problems)
    schedule = _schedule(entry, problems)
    if (
        name is None
        or (connection is None and not detached)
        or list_id is None
        or segments is None
        or email is None
    ):
        return None
    if not segments:
        entry.note("segments", _("Enter at least one segment."))
    removal, control, tell_also = read_removal(entry), read_control(entry), entry.texts("tell_also")
    required = entry.line, name, connection, list_id, segments, email
    tags, after = read_tags(entry), read_run_after(entry)
    return ExportSpec(*required, fields, answers, removal, control, tags, tell_also, schedule, after)


def _texts_by_key(entry: Entry, key: str, problems: Problems) -> dict[str, Lined] | None:
    """Read a mapping of texts, each with its line; None when the file does not say."""
    node = entry.value(key)
    if node is None:
        return None
    inner = Entry(node, problems, known=())
    texts = {name: (inner.text(name, required=True), inner.line_of(name)) for name, _node in inner.items()}
    return {name: (text, line) for name, (text, line) in texts.items() if text is not None}


def what_changed(changed: Sequence[str], *, created: bool) -> str:
    """Say how an entry changed, for the report; ``changed`` names the fields that were updated."""
    if created:
        return _("created")
    return f"{_('updated')} ({', '.join(changed)})" if changed else _("unchanged")


def report_line(kind: str, name: str, change: str, notes: Sequence[str] = (), *, in_sandbox: bool = False) -> str:
    """Return the line of the report about one entry; ``notes`` are whole sentences about what is left to do."""
    badge = _(" [sandbox]") if in_sandbox else ""
    return " – ".join([f"{kind} “{name}”{badge}: {change}", *notes])
