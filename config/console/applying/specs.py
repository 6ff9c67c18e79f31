"""What a file says, thing by thing. What it does not say (None) stays as it is, or takes its usual value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from config.console.applying import document, leaving, rule_nodes, schedules, system_refresh
from config.console.applying.document import Entry, Lined
from config.console.applying.leaving import LeavingSpec
from config.console.applying.problems import Problems
from config.console.applying.rule_nodes import LinedRules
from config.console.applying.schedules import ScheduleSpec

SECTIONS = ("connections", "segments", "exports", system_refresh.SECTION)
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


@dataclass(frozen=True)
class SegmentSpec:
    """One entry of ``segments``."""

    line: int
    name: str
    description: str | None
    rules: LinedRules
    schedule: ScheduleSpec | None


@dataclass(frozen=True)
class ExportSpec:
    """One entry of ``exports``. ``fields`` maps the list's fields to attributes."""

    line: int
    name: str
    connection: Lined
    list_id: Lined
    segments: Sequence[Lined]
    email: Lined
    fields: Mapping[str, Lined] | None
    answers: Mapping[str, Lined] | None
    leaving: LeavingSpec
    tell_also: Sequence[Lined] | None
    schedule: ScheduleSpec | None


@dataclass
class Specs:
    """A whole file."""

    connections: list[ConnectionSpec] = field(default_factory=list)
    segments: list[SegmentSpec] = field(default_factory=list)
    exports: list[ExportSpec] = field(default_factory=list)
    system_refresh: ScheduleSpec | None = None


def read(path: Path, problems: Problems) -> Specs:
    """Everything that could be made out; what could not is noted. Raises FileRefused when it is no YAML."""
    root = Entry(document.read(path), problems, SECTIONS)
    specs = Specs()
    for entry in _named(
        root, "connections", ("destination", "environment", "shared_with", "credentials"), problems
    ):
        _add(specs.connections, _connection(entry, problems))
    for entry in _named(root, "segments", ("description", "rules", "schedule"), problems):
        _add(specs.segments, _segment(entry, problems))
    for entry in _named(root, "exports", _EXPORT_KEYS, problems):
        _add(specs.exports, _export(entry, problems))
    specs.system_refresh = system_refresh.read(root, problems)
    return specs


_EXPORT_KEYS = (
    *("connection", "list_id", "segments", "email", "fields", "answers", "schedule", "tell_also"),
    *leaving.KEYS,
)


def _add(specs: list[Any], spec: object | None) -> None:
    if spec is not None:
        specs.append(spec)


def _named(root: Entry, section: str, keys: Sequence[str], problems: Problems) -> Iterator[Entry]:
    """The entries of a section. Two by one name, whatever its case, are a problem."""
    first_lines: dict[str, int] = {}
    for node in document.entries(root, section):
        entry = Entry(node, problems, ("name", *keys))
        name = document.text_of(value) if (value := entry.value("name")) is not None else None
        folded = (name or "").strip().casefold()
        if folded and folded in first_lines:
            entry.note(
                "name",
                _("“%(name)s” is already on line %(line)d; names are unique, whatever their case.")
                % {"name": name, "line": first_lines[folded]},
            )
        first_lines.setdefault(folded, entry.line_of("name"))
        yield entry


def _connection(entry: Entry, problems: Problems) -> ConnectionSpec | None:
    name = entry.text("name", required=True, most=LONGEST_NAME)
    destination = entry.lined("destination", required=True)
    environment = entry.lined("environment", required=True)
    shared_with = entry.texts("shared_with")
    credentials = _texts_by_key(entry, "credentials", problems)
    if name is None or destination is None or environment is None:
        return None
    line = entry.line_of("credentials")
    return ConnectionSpec(entry.line, name, destination, environment, shared_with, credentials, line)


def _segment(entry: Entry, problems: Problems) -> SegmentSpec | None:
    name = entry.text("name", required=True, most=LONGEST_NAME)
    description = entry.text("description", most=500)
    node = entry.value("rules")
    if node is None:
        entry.missing("rules")
        return None
    rules = rule_nodes.read(node, problems)
    schedule = schedules.read(entry, problems)
    if name is None:
        return None
    return SegmentSpec(entry.line, name, description, rules, schedule)


def _export(entry: Entry, problems: Problems) -> ExportSpec | None:
    name = entry.text("name", required=True, most=LONGEST_NAME)
    connection = entry.lined("connection", required=True)
    list_id = entry.lined("list_id", required=True, most=64)
    segments = entry.texts("segments", required=True)
    email = entry.lined("email", required=True, most=LONGEST_NAME)
    fields = _texts_by_key(entry, "fields", problems)
    answers = _texts_by_key(entry, "answers", problems)
    schedule = schedules.read(entry, problems)
    if name is None or connection is None or list_id is None or segments is None or email is None:
        return None
    if not segments:
        entry.note("segments", _("Name at least one segment."))
    leavers, tell_also = leaving.read(entry), entry.texts("tell_also")
    return ExportSpec(
        entry.line, name, connection, list_id, segments, email, fields, answers, leavers, tell_also, schedule
    )


def _texts_by_key(entry: Entry, key: str, problems: Problems) -> dict[str, Lined] | None:
    """A mapping of texts, each with its line; None when the file does not say."""
    node = entry.value(key)
    if node is None:
        return None
    inner = Entry(node, problems, known=())
    texts = {name: (inner.text(name, required=True), inner.line_of(name)) for name, _node in inner.items()}
    return {name: (text, line) for name, (text, line) in texts.items() if text is not None}
