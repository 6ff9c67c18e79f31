"""Read what is in the export pane, typed or stored, before it is validated."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TypeVar

from django.http import QueryDict

from config.platform.text.value_format import AS_IS, DateFormat, LetterCase, MappedValue, ValueFormat
from connections.destinations.values import FieldMapping, TargetField
from exports.forms import option_fields
from exports.forms.control_fields import ChosenControl
from exports.models import ControlMode, Export, Removal
from segments.catalog import Attribute

MAX_ROWS = 60
# In place of an attribute: every contact gets the same text.
CONSTANT = "="
_ROW_FIELDS = ("attribute", "field", "join", "separator", "case", "date_format", "default")
Choice = TypeVar("Choice", LetterCase, DateFormat)


@dataclass(frozen=True)
class Pair:
    """One row of the data matching: a profile attribute, or CONSTANT, and the field of the list that it goes to.
    ``format`` has the texts of a ValueFormat as they were typed."""

    attribute: str = ""
    field: str = ""
    format: ValueFormat = AS_IS

    @property
    def is_empty(self) -> bool:
        return not (self.attribute or self.field)

    @property
    def is_constant(self) -> bool:
        return self.attribute == CONSTANT

    @property
    def value(self) -> MappedValue:
        """The value that is sent to the field."""
        return MappedValue("" if self.is_constant else self.attribute, self.format)

    @property
    def is_complete(self) -> bool:
        return bool(self.field and (self.format.default if self.is_constant else self.attribute))


@dataclass(frozen=True)
class Draft:
    """Everything in the pane, as text."""

    name: str = ""
    tags: str = ""
    connection: str = ""
    list_id: str = ""
    email_attribute: str = ""
    segments: Sequence[str] = ()
    mapping: Sequence[Pair] = ()
    answers: dict[str, str] = field(default_factory=dict)
    opt_in_mail_accepted: bool = False
    removal: str = Removal.LEAVE
    mark_field: str = ""
    mark_value: str = ""
    control: ChosenControl = field(default_factory=ChosenControl)

    @property
    def matched(self) -> list[dict[str, str]]:
        """The mapping as an export keeps it, without rows that are not complete yet."""
        return [
            FieldMapping(pair.value.attribute, pair.field, pair.format).to_json()
            for pair in self.mapping
            if pair.is_complete
        ]

    def initial(self) -> dict[str, object]:
        """The same as the form wants it."""
        return option_fields.initial(self.answers) | {
            "name": self.name,
            "tags": self.tags,
            "connection": self.connection,
            "list_id": self.list_id,
            "email_attribute": self.email_attribute,
            "segments": list(self.segments),
            "opt_in_mail_accepted": self.opt_in_mail_accepted,
            "removal": self.removal,
            "mark_field": self.mark_field,
            "mark_value": self.mark_value,
            "control_mode": self.control.mode,
            "control_percentage": self.control.percentage,
            "control_field": self.control.field,
        }

    def with_row(self) -> "Draft":
        """One more row of the data matching."""
        return replace(self, mapping=[*self.mapping, Pair()][:MAX_ROWS])

    def without_row(self, place: int) -> "Draft":
        """One row less."""
        return replace(self, mapping=[pair for at, pair in enumerate(self.mapping) if at != place])

    def matched_by_name(self, attributes: Sequence[Attribute], fields: Sequence[TargetField]) -> "Draft":
        """With a row for each field that is called like an attribute and is not filled yet."""
        pairs = [pair for pair in self.mapping if not pair.is_empty]
        taken = {pair.field for pair in pairs}
        by_name = {plain(attribute.name): attribute.name for attribute in attributes}
        for target in fields:
            attribute = by_name.get(plain(target.label))
            if attribute and target.key not in taken and attribute != self.email_attribute:
                pairs.append(Pair(attribute, target.key))
        return replace(self, mapping=pairs[:MAX_ROWS])


def read_typed(data: QueryDict) -> Draft:
    """Read what was posted from the pane."""
    return Draft(
        name=data.get("name", ""),
        tags=data.get("tags", ""),
        connection=data.get("connection", ""),
        list_id=_clean_id(data.get("list_id", "")),
        email_attribute=data.get("email_attribute", ""),
        segments=data.getlist("segments"),
        mapping=_read_rows(data),
        answers=option_fields.read_typed({name: data.get(name, "") for name in data}),
        opt_in_mail_accepted="opt_in_mail_accepted" in data,
        removal=data.get("removal", Removal.LEAVE),
        mark_field=data.get("mark_field", ""),
        mark_value=data.get("mark_value", ""),
        control=ChosenControl(
            mode=data.get("control_mode", ControlMode.OFF),
            percentage=data.get("control_percentage", ""),
            field=data.get("control_field", ""),
        ),
    )


def _read_rows(data: QueryDict) -> list[Pair]:
    typed = [data.getlist(f"map_{name}") for name in _ROW_FIELDS]
    rows = zip_longest(*typed, fillvalue="")
    return [Pair(attribute, target, _format(*texts)) for attribute, target, *texts in rows][:MAX_ROWS]


def _format(join: str, separator: str, letter_case: str, date_format: str, default: str) -> ValueFormat:
    return ValueFormat(
        join=join,
        separator=separator if join else AS_IS.separator,
        letter_case=_known(LetterCase, letter_case),
        date_format=_known(DateFormat, date_format),
        default=default.strip(),
    )


def _known(kind: type[Choice], text: str) -> Choice:
    """Return the choice that was typed; the first, which changes nothing, for a text that is none."""
    return next((choice for choice in kind if choice == text), next(iter(kind)))


def read_stored(export: Export) -> Draft:
    """Read the settings of an export."""
    return Draft(
        name=export.name,
        tags=", ".join(export.tags),
        connection=str(export.connection_id or ""),
        list_id=export.list_id,
        email_attribute=export.email_attribute,
        segments=[str(pk) for pk in export.segments.order_by("pk").values_list("pk", flat=True)],
        mapping=[
            Pair(pair.attribute or CONSTANT, pair.field_key, pair.format)
            for pair in map(FieldMapping.from_json, export.mapping)
        ],
        answers=dict(export.answers),
        opt_in_mail_accepted=export.opt_in_mail_accepted,
        removal=export.removal,
        mark_field=export.mark_field,
        mark_value=export.mark_value,
        control=ChosenControl(export.control_mode, str(export.control_percentage or ""), export.control_field),
    )


def new_draft(connections: Sequence[str], attributes: Sequence[Attribute]) -> Draft:
    """Return the draft of a new export, with values where there is only one choice; consent is never one."""
    emails = [attribute.name for attribute in attributes if "email" in plain(attribute.name)]
    return Draft(
        connection=connections[0] if len(connections) == 1 else "",
        email_attribute=min(emails, key=len) if emails else "",
    )


def plain(name: str) -> str:
    """Return a name without differences of spelling."""
    return "".join(character for character in name.casefold() if character.isalnum())


def _clean_id(text: str) -> str:
    """Ids are copied from web pages, with blanks around them."""
    return "".join(text.replace("\x00", "").split())
