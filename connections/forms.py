"""Define the forms in the pane of a connection: name and consent, credentials, password, limits."""

import copy
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.permissions import Role
from config.platform.encryption.fields import Sealed
from connections import consent_text, hooks, lookups
from connections.destinations.values import InputField, ListDetails
from connections.drafts import Draft
from connections.lookups import Lookup
from connections.models import MOST_IN_FLIGHT, Connection, Limits

# The part of the pane that follows the steps; see templates/connections/connect_part.html.
PART = "connect-part"
_MOST_LISTS = 500


@dataclass(frozen=True)
class ListChoice:
    """A list to tick. ``title`` is empty as long as the account was not asked."""

    list_id: str
    title: str
    group: str
    chosen: bool


@dataclass(frozen=True)
class ListChoices:
    """The lists to choose from, and why those of the account are missing."""

    choices: Sequence[ListChoice]
    trouble: str = ""


class ConnectionForm(forms.Form):
    """Display name, roles with access, and consent."""

    name = forms.CharField(
        label=_("Display name"),
        max_length=120,
        help_text=_("Choose a name that describes the purpose and destination. You can change it later."),
    )
    contributors = forms.BooleanField(label=_("Contributors"), required=False)
    agree = forms.BooleanField(label=_("I agree"))
    # Which text stands beside “I agree”, and in which language.
    consent_version = forms.CharField(required=False, widget=forms.HiddenInput)
    consent_language = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection = connection
        self.initial = {"name": connection.name, "contributors": Role.CONTRIBUTOR in connection.allowed_roles}
        self.fields["agree"].required = connection.pk is None
        if connection.pk is not None and connection.is_sandbox:
            self.fields["agree"].help_text = _("Not required for sandbox connections.")
        elif connection.pk is not None:
            self.fields["agree"].help_text = _(
                "Exports with this connection do not run until an administrator agrees."
            )
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        others = Connection.objects.filter(name__iexact=name).exclude(pk=self.connection.pk)
        if others.exists():
            raise forms.ValidationError(_("Another connection has this name. Choose a different one."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("agree") and cleaned.get("consent_version") != consent_text.VERSION:
            self.add_error(
                "agree", _("The text has changed since this page was opened. Open the page again to read it.")
            )
        return cleaned

    @property
    def roles(self) -> list[str]:
        """Return the roles that may use the connection beside administrators."""
        return [Role.CONTRIBUTOR.value] if self.cleaned_data.get("contributors") else []


class CredentialsForm(forms.Form):
    """The credentials that a destination asks for. A secret is never written back into the page; the browser
    keeps what was typed while the part around it changes."""

    use_required_attribute = False

    prefix = "credential"

    def __init__(self, *args: Any, inputs: Sequence[InputField], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for asked in inputs:
            self.fields[asked.name] = forms.CharField(
                label=asked.label,
                help_text=_help(asked),
                required=asked.required,
                max_length=2000,
                widget=_widget(asked),
            )


class PasswordForm(forms.Form):
    """The user's own password, to become export user."""

    use_required_attribute = False
    prefix = "own"
    password = forms.CharField(
        label=_("Your password"),
        help_text=_("Exports with this connection run on behalf of the export user. Confirm with your password."),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "hx-preserve": "true"}),
    )


class ListIds(forms.Field):
    """The selected lists, by ID."""

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
    lists = ListIds(label=_("Allowed lists"), required=False)
    list_ids = forms.CharField(
        label=_("Other list ID"),
        required=False,
        max_length=2000,
        help_text=_(
            "Leave empty to allow all lists of the account. To allow a list that is not shown, add its ID."
        ),
    )
    withheld = forms.MultipleChoiceField(
        label=_("Blocked attributes"), required=False, widget=forms.CheckboxSelectMultiple
    )
    only_allowed = forms.BooleanField(label=_("Allow only selected attributes"), required=False)
    allowed = forms.MultipleChoiceField(
        label=_("Allowed attributes"), required=False, widget=forms.CheckboxSelectMultiple
    )
    required_attribute = forms.ChoiceField(
        label=_("Required consent attribute"),
        required=False,
        help_text=_(
            "Contacts without consent are excluded with the result “No consent”. If profiles share "
            "an email, all of them need consent."
        ),
    )
    most_people = forms.IntegerField(
        label=_("Contact limit in your contract"),
        required=False,
        min_value=1,
        max_value=1_000_000_000,
        help_text=_("For all exports with this connection. Runs over the limit send no contacts."),
    )
    max_in_flight = forms.IntegerField(
        label=_("Maximum parallel requests"),
        required=False,
        min_value=1,
        max_value=MOST_IN_FLIGHT,
        help_text=_("For all exports with this connection. Concurrency adapts automatically within this limit."),
    )
    may_remove = forms.BooleanField(label=_("Allow exports to remove subscribers"), required=False)
    may_resubscribe = forms.BooleanField(label=_("Allow manual resubscribe"), required=False)

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
        _choose(self.fields["required_attribute"], required, nothing=_("None (all contacts)"))

    def clean_list_ids(self) -> list[Lookup]:
        """Look up each list ID that was typed in."""
        typed = self.cleaned_data["list_ids"].replace(",", " ").split()
        return [self._looked_up(list_id) for list_id in dict.fromkeys(typed)]

    def _looked_up(self, list_id: str) -> Lookup:
        lookup = lookups.look_up(self.account, list_id)
        if lookup.details is None:
            unknown = _("The account has no list with the ID “{list_id}”.").format(list_id=list_id[:64])
            raise forms.ValidationError(lookup.trouble if lookup.passing else unknown)
        return lookup

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("only_allowed") and not cleaned.get("allowed"):
            self.add_error("allowed", _("Allow at least the attribute that contains the email."))
        return cleaned

    @property
    def chosen(self) -> tuple[str, ...]:
        """Return the IDs of the lists that are ticked, and of those that were added and found."""
        if not self.is_bound:
            return self.limits.lists
        return tuple(dict.fromkeys([*self["lists"].value(), *(found.list_id for found in self._added())]))

    @property
    def typed(self) -> str:
        """Return the text of the field for another list; empty once that list was found."""
        is_found = "list_ids" in getattr(self, "cleaned_data", {})
        return "" if is_found else str(self["list_ids"].value() or "")

    @property
    def kept_lists(self) -> ListChoices:
        """Return the chosen lists, while the account was not asked."""
        return ListChoices([ListChoice(list_id, "", "", True) for list_id in self.chosen])

    def account_lists(self) -> ListChoices:
        """Return all lists to choose from; asks the account."""
        return list_choices_of(self.account, self.chosen, list(self._added()))

    def _added(self) -> Iterator[ListDetails]:
        for lookup in getattr(self, "cleaned_data", {}).get("list_ids", []):
            if lookup.details is not None:
                yield lookup.details

    @property
    def result(self) -> Limits | None:
        """Return the chosen limits; None when the page did not show them. Only for a valid form."""
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
        """Return the chosen number of calls in flight; None when the page did not show it. Only for a valid
        form."""
        return self.cleaned_data["max_in_flight"] if self.cleaned_data.get("shown") else None

    @property
    def has_limits(self) -> bool:
        """Tell whether any limit is set or invalid."""
        return self.limits != Limits() or bool(self.errors)


def _help(asked: InputField) -> str:
    where = _("Or enter a reference to a secret: env:CREDENTIAL_NAME or file:/run/secrets/name.")
    return f"{asked.help_text} {where}".strip() if asked.secret else asked.help_text


def _widget(asked: InputField) -> forms.Widget:
    attrs = {"autocomplete": "off", "spellcheck": "false", "hx-preserve": "true"}
    if asked.secret:
        return forms.PasswordInput(attrs=attrs | {"autocomplete": "new-password"})
    return forms.TextInput(attrs=attrs)


def as_set_up(connection: Connection, draft: Draft | None) -> Connection:
    """Return the connection as it will be once saved, with credentials that were just checked, if any."""
    if draft is None or not draft.verified:
        return connection
    changed = copy.copy(connection)
    changed.credentials, changed.options = Sealed(draft.sealed), draft.options
    return changed


def list_choices_of(
    connection: Connection, chosen: Collection[str], added: Sequence[ListDetails] = ()
) -> ListChoices:
    """Offer the account's lists and those chosen beside them; ``added`` are lists that were looked up just now."""
    if connection.credentials is None:
        not_yet = gettext("The lists appear after you connect the account.")
        return ListChoices([ListChoice(list_id, "", "", True) for list_id in chosen], not_yet)
    lists = lookups.lists_of(connection)
    wanted = {list_id.casefold() for list_id in chosen}
    choices = [
        ListChoice(each.list_id, each.title, each.group, each.list_id.casefold() in wanted) for each in lists.found
    ]
    known = {each.list_id.casefold() for each in choices}
    looked_up = {each.list_id: ListChoice(each.list_id, each.title, each.group, True) for each in added}
    others = [list_id for list_id in chosen if list_id.casefold() not in known]
    choices += [looked_up.get(list_id, ListChoice(list_id, "", "", True)) for list_id in others]
    return ListChoices(choices, lists.trouble)


def _initial(limits: Limits) -> dict[str, Any]:
    return limits.keep() | {
        "only_allowed": limits.allowed is not None,
        "allowed": list(limits.allowed or ()),
        "shown": "yes",
    }


def _choose(field: forms.Field, names: Sequence[str], nothing: Any = None) -> None:
    choices = [(name, name) for name in names]
    field.choices = [("", nothing), *choices] if nothing else choices  # type: ignore[attr-defined]
