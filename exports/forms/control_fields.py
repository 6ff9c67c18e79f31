"""Choose the control group of an export: in the export pane, and in a file for the command “apply”."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.destinations.values import ListDetails, NewField, TargetField
from exports.forms import removal_fields
from exports.models import LARGEST_CONTROL_GROUP, ControlMode
from exports.models.snapshot import CONTROL, TREATMENT, ControlSettings

_HELP: dict[ControlMode, str | Promise] = {
    ControlMode.OFF: gettext_lazy("All contacts are sent."),
    ControlMode.HOLD_OUT: gettext_lazy(
        "Contacts in the control group are not sent. Contacts that this export already added to "
        "the list are handled like contacts who leave the segments."
    ),
    ControlMode.FIELD: gettext_lazy(
        "All contacts are sent. A text field of the list contains “Control” or “Treatment”, so "
        "that a campaign can exclude the control group."
    ),
}


@dataclass(frozen=True)
class ChosenControl:
    """A control group as it was typed."""

    mode: str = ControlMode.OFF
    percentage: str = ""
    field: str = ""

    @property
    def share(self) -> int:
        """The percentage, or 0 when it is not one of a control group."""
        text = self.percentage.strip().removesuffix("%").strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        return number if number <= LARGEST_CONTROL_GROUP else 0

    def settings(self, salt: str = "") -> ControlSettings:
        """Return the control group; none while the percentage or the field is missing."""
        is_complete = self.share and (self.mode != ControlMode.FIELD or self.field)
        if self.mode not in (ControlMode.HOLD_OUT, ControlMode.FIELD) or not is_complete:
            return ControlSettings(salt=salt)
        field = self.field if self.mode == ControlMode.FIELD else ""
        return ControlSettings(self.mode, self.share, field, salt)


def mode_field() -> forms.ChoiceField:
    """Return the field that says what is done with the control group."""
    return forms.ChoiceField(
        label=gettext_lazy("Control group"), choices=ControlMode.choices, required=False, widget=forms.RadioSelect
    )


def choices() -> list[tuple[ControlMode, str | Promise]]:
    """Return what can be done with a control group, each with what it means."""
    return [(mode, _HELP[mode]) for mode in ControlMode]


def fields_to_write(details: ListDetails | None, taken: Sequence[str]) -> list[TargetField]:
    """Return the text fields of a list that nothing else is written to."""
    return removal_fields.fields_to_mark(details, taken)


def new_field() -> NewField:
    """Return a field that can be made on a list for the control group."""
    return NewField(_("Control group"), "text")


def problems(
    chosen: ChosenControl, details: ListDetails | None, mapped: Sequence[str], mark_field: str
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with a control group: names of fields of the form, with sentences. ``details`` is None
    while the list is not known; ``mark_field`` is set when contacts leave the segments."""
    if chosen.mode == ControlMode.OFF:
        return
    if not chosen.share:
        sentence = _("Enter a whole percentage from 1 to %(most)d.") % {"most": LARGEST_CONTROL_GROUP}
        yield "control_percentage", sentence
    if chosen.mode == ControlMode.FIELD and (error := _wrong_field(chosen.field, details, mapped, mark_field)):
        yield "control_field", error


def _wrong_field(field: str, details: ListDetails | None, mapped: Sequence[str], mark_field: str) -> str:
    if not field:
        return _("Choose the field for the control group.")
    if field in mapped:
        return _("An attribute is already sent to this field. Choose a different field.")
    if field == mark_field:
        return _("This field is set when contacts leave the segments. Choose a different field.")
    if details is not None and field not in {each.key for each in fields_to_write(details, mapped)}:
        return _("The list has no text field %(field)s.") % {"field": field}
    return ""


def in_words(control: ControlSettings, labels: Mapping[str, str]) -> str:
    """Describe a control group; ``labels`` names the fields of the list. Empty when there is none."""
    if control.group is None:
        return ""
    if control.written_to:
        field = labels.get(control.field, control.field)
        words = {"percentage": control.percentage, "field": field, "control": CONTROL, "treatment": TREATMENT}
        return _("%(percentage)d%% of the contacts; %(field)s = %(control)s or %(treatment)s") % words
    return _("%(percentage)d%% of the contacts are held out") % {"percentage": control.percentage}
