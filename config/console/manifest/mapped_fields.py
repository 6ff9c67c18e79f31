"""Read the fields of an export in a file: each gets an attribute, an attribute in a format, or a constant."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from yaml.nodes import MappingNode, Node

from config.console.manifest.document import Entry, Problems
from config.platform.text.value_format import DateFormat, LetterCase, MappedValue, ValueFormat

FORMAT_KEYS = ("join", "separator", "case", "date_format", "default")
CHOICES: Mapping[str, type[StrEnum]] = {"case": LetterCase, "date_format": DateFormat}


@dataclass(frozen=True)
class MappedField:
    """What a field of the list gets, and the line that says so."""

    value: MappedValue
    line: int


def read_fields(entry: Entry, problems: Problems) -> dict[str, MappedField] | None:
    """Read the key ``fields`` of an export; None when the file does not say."""
    node = entry.value("fields")
    if node is None:
        return None
    fields = Entry(node, problems, known=())
    read = {key: _field(fields, key, value, problems) for key, value in fields.items()}
    return {key: MappedField(value, fields.line_of(key)) for key, value in read.items() if value is not None}


def _field(fields: Entry, key: str, node: Node, problems: Problems) -> MappedValue | None:
    if not isinstance(node, MappingNode):
        attribute = fields.text(key, required=True)
        return None if attribute is None else MappedValue(attribute)
    written = Entry(node, problems, known=("attribute", "constant", *FORMAT_KEYS))
    if "constant" in written:
        return _constant(written)
    attribute = written.text("attribute", required=True)
    texts: dict[str, Any] = {name: text for name in FORMAT_KEYS if (text := _text(written, name)) is not None}
    for name, kind in CHOICES.items():
        if name in texts and texts[name] not in {each.value for each in kind}:
            choices = ", ".join(each.value for each in kind if each.value)
            written.note(name, _("“%(name)s” must be one of: %(choices)s.") % {"name": name, "choices": choices})
            return None
    return None if attribute is None else MappedValue(attribute, ValueFormat.from_json(texts))


def _constant(written: Entry) -> MappedValue | None:
    others = [name for name in ("attribute", *FORMAT_KEYS) if name in written]
    if others:
        written.note(others[0], _("“%s” does not go together with “constant”.") % others[0])
        return None
    text = written.text("constant", required=True)
    return None if text is None else MappedValue("", ValueFormat(default=text))


def _text(written: Entry, name: str) -> str | None:
    """Return a text; blanks belong to a separator."""
    text = written.text(name)
    node = written.value(name)
    return str(node.value) if name == "separator" and text is not None and node is not None else text
