"""What an administrator types into “Limits”."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from connections import offered_attributes
from connections.limits import Limits
from connections.models import MOST_IN_FLIGHT, Connection

_MOST_LISTS = 500


class LimitsForm(forms.Form):
    """The limits of a connection. A page that does not show them posts nothing of them; ``shown`` tells."""

    use_required_attribute = False
    prefix = "limits"

    shown = forms.CharField(required=False, widget=forms.HiddenInput)
    lists = forms.CharField(
        label=_("Lists"),
        required=False,
        help_text=_("The IDs of the lists that exports may use, one on a line. Empty: every list of the account."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    withheld = forms.MultipleChoiceField(
        label=_("Attributes that never leave"), required=False, widget=forms.CheckboxSelectMultiple
    )
    only_allowed = forms.BooleanField(label=_("Only the attributes chosen here may leave"), required=False)
    allowed = forms.MultipleChoiceField(
        label=_("Attributes that may leave"), required=False, widget=forms.CheckboxSelectMultiple
    )
    required_attribute = forms.ChoiceField(
        label=_("Send only people for whom this is true"),
        required=False,
        help_text=_(
            "Everybody else is counted as “without consent” and not sent, "
            "and so is whoever shares an address with somebody who says no."
        ),
    )
    most_people = forms.IntegerField(
        label=_("People that the contract allows"),
        required=False,
        min_value=1,
        max_value=1_000_000_000,
        help_text=_("Over all exports on this connection. A run that would exceed it sends nobody."),
    )
    max_in_flight = forms.IntegerField(
        label=_("Calls at the same time"),
        required=False,
        min_value=1,
        max_value=MOST_IN_FLIGHT,
        help_text=_(
            "At most, over all exports on this connection. How many of them pay is learned: one more while that "
            "is faster, half as many as soon as there is trouble."
        ),
    )
    may_remove = forms.BooleanField(label=_("Exports may take people off lists"), required=False)
    may_resubscribe = forms.BooleanField(
        label=_("A person may let people who unsubscribed be subscribed again"), required=False
    )

    def __init__(self, data: QueryDict | None, *, connection: Connection) -> None:
        limits = connection.limited
        super().__init__(data, initial=_initial(limits) | {"max_in_flight": connection.max_in_flight})
        self.limits = limits
        known = offered_attributes.attributes()
        kept = [*limits.withheld, *(limits.allowed or ())]
        names = list(dict.fromkeys([*(attribute.name for attribute in known), *kept]))
        yes_or_no = [attribute.name for attribute in known if attribute.is_yes_or_no]
        required = list(dict.fromkeys([*yes_or_no, *filter(None, [limits.required_attribute])]))
        _choose(self.fields["withheld"], names)
        _choose(self.fields["allowed"], names)
        _choose(self.fields["required_attribute"], required, nothing=_("No attribute: everybody may be sent"))

    def clean_lists(self) -> tuple[str, ...]:
        ids = tuple(dict.fromkeys(self.cleaned_data["lists"].replace(",", " ").split()))
        if len(ids) > _MOST_LISTS or any(len(list_id) > 64 for list_id in ids):
            raise forms.ValidationError(_("Write one list ID on each line."))
        return ids

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("only_allowed") and not cleaned.get("allowed"):
            self.add_error("allowed", _("Choose at least the attribute that holds the email address."))
        return cleaned

    @property
    def result(self) -> Limits | None:
        """What was decided; None when the page did not show the limits. Only for a valid form."""
        cleaned = self.cleaned_data
        if not cleaned.get("shown"):
            return None
        return Limits(
            lists=cleaned["lists"],
            withheld=tuple(cleaned["withheld"]),
            allowed=tuple(cleaned["allowed"]) if cleaned["only_allowed"] else None,
            required_attribute=cleaned["required_attribute"],
            most_people=cleaned["most_people"],
            may_remove=cleaned["may_remove"],
            may_resubscribe=cleaned["may_resubscribe"],
        )

    @property
    def calls(self) -> int | None:
        """How many calls may be out at the same time; None when the page did not say. Only for a valid form."""
        return self.cleaned_data["max_in_flight"] if self.cleaned_data.get("shown") else None

    @property
    def has_limits(self) -> bool:
        """Whether there is anything to see before it is opened."""
        return self.limits != Limits() or bool(self.errors)


def _initial(limits: Limits) -> dict[str, Any]:
    return limits.keep() | {
        "lists": "\n".join(limits.lists),
        "only_allowed": limits.allowed is not None,
        "allowed": list(limits.allowed or ()),
        "shown": "yes",
    }


def _choose(field: forms.Field, names: Sequence[str], nothing: Any = None) -> None:
    choices = [(name, name) for name in names]
    field.choices = [("", nothing), *choices] if nothing else choices  # type: ignore[attr-defined]
