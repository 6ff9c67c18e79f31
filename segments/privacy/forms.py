"""What an administrator decides when a person is erased, and what they ask of those who were."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.platform.text.addresses import comparable_email
from segments.models import Profile
from segments.privacy.personal_data import Place
from segments.privacy.subjects import Scope


class EraseForm(forms.Form):
    """The dialog: who is meant, which lists, and the person's key typed by hand."""

    scope = forms.ChoiceField(label=gettext_lazy("Who"), widget=forms.RadioSelect, required=False)
    same_key = forms.BooleanField(label="", required=False)
    places = forms.MultipleChoiceField(
        label=gettext_lazy("Remove from these lists as well"), widget=forms.CheckboxSelectMultiple, required=False
    )
    confirmation = forms.CharField(
        label="", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(
        self,
        *args: Any,
        profile: Profile,
        with_address: int,
        with_key: int,
        places: Sequence[Place],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._key = profile.key
        confirmation = self.fields["confirmation"]
        confirmation.label = _("Type the key “{key}” to confirm").format(key=profile.key)
        self._offer_scope(with_address)
        self._offer_same_key(with_key)
        self._offer_places([place for place in places if not place.why_not])

    def clean_confirmation(self) -> str:
        typed = str(self.cleaned_data["confirmation"]).strip()
        if typed != self._key:
            raise forms.ValidationError(_("This is not the key."))
        return typed

    def clean_scope(self) -> Scope:
        return Scope(self.cleaned_data["scope"] or Scope.ADDRESS)

    def _offer_scope(self, others: int) -> None:
        if not others:
            del self.fields["scope"]
            return
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ChoiceField)  # noqa: S101
        everybody = ngettext(
            "This person and {n} other profile with the same address",
            "This person and {n} other profiles with the same address",
            others,
        )
        scope.choices = [
            (Scope.ADDRESS.value, everybody.format(n=others)),
            (Scope.PROFILE.value, _("This profile alone; the address stays, since it is the others’ too")),
        ]
        scope.initial = Scope.ADDRESS.value

    def _offer_same_key(self, others: int) -> None:
        if not others:
            del self.fields["same_key"]
            return
        label = ngettext(
            "Also {n} profile with the same key in another data source",
            "Also {n} profiles with the same key in other data sources",
            others,
        )
        self.fields["same_key"].label = label.format(n=others)

    def _offer_places(self, places: Sequence[Place]) -> None:
        if not places:
            del self.fields["places"]
            return
        choices = self.fields["places"]
        assert isinstance(choices, forms.MultipleChoiceField)  # noqa: S101
        choices.choices = [
            (place.key, f"{place.title} ({place.destination}, {place.connection})") for place in places
        ]
        choices.initial = [place.key for place in places]


class LookUpForm(forms.Form):
    """Was this person erased, and where were they ever sent?"""

    address = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )

    def clean_address(self) -> str:
        typed = str(self.cleaned_data["address"])
        return comparable_email(typed) or typed.strip().lower()
