"""The section “People who leave the segments” of the export pane: what can be chosen, and what is wrong with a
choice."""

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.destinations.base import Destination
from connections.destinations.values import ListDetails, TargetField, UnsubscribeScope
from exports.models import Removal

DEFAULT_MARK = gettext_lazy("Left")


def choice_field() -> forms.ChoiceField:
    """Every way there is; which of them the destination can do is judged."""
    return forms.ChoiceField(
        label=gettext_lazy("When contacts leave the segments"),
        choices=Removal.choices,
        required=False,
        widget=forms.RadioSelect,
    )


def offered(destination: Destination) -> list[Removal]:
    """Return the removal policies that the destination offers."""
    able = {operation.value for operation in destination.capabilities.operations}
    return [removal for removal in Removal if removal is Removal.LEAVE or removal.value in able]


def fields_to_mark(details: ListDetails | None, mapped: Sequence[str]) -> list[TargetField]:
    """Fields of text that nothing else is written to."""
    fields = details.fields if details else ()
    return [field for field in fields if field.data_type == "text" and field.key not in {*mapped, "name"}]


def reaches_everywhere(removal: str, details: ListDetails | None) -> bool:
    """Tell whether unsubscribing takes contacts off other lists as well; unknown before the list is looked up."""
    if removal != Removal.UNSUBSCRIBE:
        return False
    return details is None or details.unsubscribe_scope != UnsubscribeScope.THIS_LIST


def why_not_marked(mark_field: str, mark_value: str, details: ListDetails | None, mapped: Sequence[str]) -> str:
    """What is wrong with the field or the word; empty when nothing is."""
    if not mark_field:
        return _("Choose the field to set when contacts leave the segments.")
    if mark_field in mapped:
        return _("An attribute is already sent to this field. Choose a different field.")
    if details is not None and mark_field not in {field.key for field in fields_to_mark(details, mapped)}:
        return _("The list has no text field %(field)s.") % {"field": mark_field}
    if not mark_value.strip():
        return _("Enter the field value.")
    return ""
