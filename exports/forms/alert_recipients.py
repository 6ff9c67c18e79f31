"""Addresses that an export notifies beside the users who are notified of everything."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

MOST_ADDRESSES = 20


def cleaned(addresses: Iterable[str]) -> list[str]:
    """Each of the email addresses once. Raises ValidationError for what is none, and for too many."""
    found = list({address.casefold(): address for address in addresses}.values())
    for address in found:
        _check(address)
    if len(found) > MOST_ADDRESSES:
        raise ValidationError(_("At most %(most)d addresses.") % {"most": MOST_ADDRESSES})
    return found


def _check(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError(_("“%(address)s” is not an email address.") % {"address": address}) from error
