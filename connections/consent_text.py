"""What people agree to when they tick “I agree”. A change of the words is a new version; what somebody agreed to
is kept with the consent, word for word."""

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _

from connections.destinations.base import Destination

VERSION = "2026-08"


def paragraphs(destination: Destination) -> Sequence[str]:
    """The text in the reader's language, paragraph by paragraph."""
    names = {
        "destination": destination.label,
        "organisation": settings.ORGANISATION_NAME,
        "product": settings.PRODUCT_NAME,
    }
    return [
        _(
            "With this connection, {product} can send data to {destination}, outside the place where "
            "{organisation} keeps them. They may be sensitive, for example personal data."
        ).format(**names),
        _(
            "{product} sends them on your instruction. You are responsible for making sure that {destination} "
            "meets the privacy and security obligations that you have, and that the people concerned have agreed "
            "to this use of their data."
        ).format(**names),
        _(
            "An administrator can remove this connection at any time to stop sending. "
            "People who were sent before stay in {destination}."
        ).format(**names),
    ]


def in_full(destination: Destination) -> str:
    """The text as it is kept with a consent, the address of the privacy statement included."""
    statement = [settings.PRIVACY_STATEMENT_URL] if settings.PRIVACY_STATEMENT_URL else []
    return "\n\n".join([*paragraphs(destination), *statement])
