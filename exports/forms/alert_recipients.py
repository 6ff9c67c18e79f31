"""Validate the addresses that get the alerts of an export beside the users who get all alerts."""

from collections.abc import Iterable

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MAX_ADDRESSES = 20


class AlertRecipientsForm(forms.Form):
    """Addresses, one a line."""

    addresses = forms.CharField(
        label=gettext_lazy("Alert recipients"),
        help_text=gettext_lazy("One email address per line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_addresses(self) -> list[str]:
        text: str = self.cleaned_data["addresses"]
        return clean_addresses(text.replace(",", " ").split())


def clean_addresses(addresses: Iterable[str]) -> list[str]:
    """Return each email address once. Raises ValidationError for an invalid one, and for too many."""
    found = list({address.casefold(): address for address in addresses}.values())
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValidationError(_("“%(address)s” is not an email address.") % {"address": address}) from error
    if len(found) > MAX_ADDRESSES:
        raise ValidationError(_("At most %(most)d addresses.") % {"most": MAX_ADDRESSES})
    return found
