"""What an administrator types into “Limits”."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from connections import hooks, list_choices, lookups
from connections.destinations.values import ListDetails
from connections.limits import Limits
from connections.list_choices import ListChoices
from connections.lookups import Lookup
from connections.models import MOST_IN_FLIGHT, Connection

_MOST_LISTS = 500


class ListIds(forms.Field):
    """The boxes that are ticked, each by the id of its list."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value: list[str]) -> tuple[str, ...]:
        ids = tuple(dict.fromkeys(filter(None, value or ())))
        if len(ids) > _MOST_LISTS or any(len(list_id) > 64 for list_id in ids):
            raise forms.ValidationError(_("Choose at most 500 lists."))
        return ids


class LimitsForm(forms.Form):
    """The limits of a connection. A page that does not show them posts nothing of them; ``shown`` tells.
    ``account`` is the connection as it will be once saved, to ask for its lists."""

    use_required_attribute = False
    prefix = "limits"

    shown = forms.CharField(required=False, widget=forms.HiddenInput)
    lists = ListIds(label=_("Lists that exports may use"), required=False)
    list_ids = forms.CharField(
        label=_("ID of another list"),
        required=False,
        max_length=2000,
        help_text=_("None chosen: every list of the account. A list that is not shown is added by its ID."),
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

    def __init__(self, data: QueryDict | None, *, connection: Connection, account: Connection) -> None:
        limits = connection.limited
        super().__init__(data, initial=_initial(limits) | {"max_in_flight": connection.max_in_flight})
        self.limits, self.account = limits, account
        known = hooks.connection_users.attributes()
        kept = [*limits.withheld, *(limits.allowed or ())]
        names = list(dict.fromkeys([*(attribute.name for attribute in known), *kept]))
        yes_or_no = [attribute.name for attribute in known if attribute.is_yes_or_no]
        required = list(dict.fromkeys([*yes_or_no, *filter(None, [limits.required_attribute])]))
        _choose(self.fields["withheld"], names)
        _choose(self.fields["allowed"], names)
        _choose(self.fields["required_attribute"], required, nothing=_("No attribute: everybody may be sent"))

    def clean_list_ids(self) -> list[Lookup]:
        """What the account says of each list that was typed in."""
        typed = self.cleaned_data["list_ids"].replace(",", " ").split()
        return [self._looked_up(list_id) for list_id in dict.fromkeys(typed)]

    def _looked_up(self, list_id: str) -> Lookup:
        lookup = lookups.look_up(self.account, list_id)
        if lookup.details is None:
            unknown = _("The account knows no list with the ID “{list_id}”.").format(list_id=list_id[:64])
            raise forms.ValidationError(lookup.trouble if lookup.passing else unknown)
        return lookup

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("only_allowed") and not cleaned.get("allowed"):
            self.add_error("allowed", _("Choose at least the attribute that holds the email address."))
        return cleaned

    @property
    def chosen(self) -> tuple[str, ...]:
        """The ids of the lists that are ticked, and of those that were added and found."""
        if not self.is_bound:
            return self.limits.lists
        return tuple(dict.fromkeys([*self["lists"].value(), *(found.list_id for found in self._added())]))

    @property
    def typed(self) -> str:
        """What stands in the field for another list: nothing, once that was found."""
        is_found = "list_ids" in getattr(self, "cleaned_data", {})
        return "" if is_found else str(self["list_ids"].value() or "")

    @property
    def kept_lists(self) -> ListChoices:
        """Return the chosen lists, while the account was not asked."""
        return list_choices.without_asking(self.chosen)

    def account_lists(self) -> ListChoices:
        """All that there is to choose; asks the account."""
        return list_choices.of_account(self.account, self.chosen, list(self._added()))

    def _added(self) -> Iterator[ListDetails]:
        for lookup in getattr(self, "cleaned_data", {}).get("list_ids", []):
            if lookup.details is not None:
                yield lookup.details

    @property
    def result(self) -> Limits | None:
        """What was decided; None when the page did not show the limits. Only for a valid form."""
        cleaned = self.cleaned_data
        if not cleaned.get("shown"):
            return None
        return Limits(
            lists=self.chosen,
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
        "only_allowed": limits.allowed is not None,
        "allowed": list(limits.allowed or ()),
        "shown": "yes",
    }


def _choose(field: forms.Field, names: Sequence[str], nothing: Any = None) -> None:
    choices = [(name, name) for name in names]
    field.choices = [("", nothing), *choices] if nothing else choices  # type: ignore[attr-defined]
