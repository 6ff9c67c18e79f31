"""Translate errors of S3-compatible servers into sentences that name the cause, with the field to change.

Only the code of an error and the region that it names are taken over; the rest of its text may quote anything.
"""

import re
from typing import Final

import requests
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.sources.watched_places.place import PlaceRefused

_SAFE_REGION: Final = re.compile(r"[a-z0-9-]{1,64}")
_SAFE_CODE: Final = re.compile(r"[A-Za-z0-9]{1,64}")
# Statuses after which the same request may succeed later.
TEMPORARY: Final = frozenset({408, 429, 500, 502, 503, 504})
# By code of the error: the sentence, and the field to change.
_CAUSES: Final[dict[str, tuple[str | Promise, str]]] = {
    "InvalidAccessKeyId": (gettext_lazy("The server does not recognize this access key ID."), "access_key_id"),
    "SignatureDoesNotMatch": (
        gettext_lazy("The secret key does not belong to the access key ID, or the region is another one."),
        "secret_key",
    ),
    "RequestTimeTooSkewed": (
        gettext_lazy("The clocks of this server and of the bucket differ by more than a quarter of an hour."),
        "endpoint",
    ),
    "NoSuchBucket": (gettext_lazy("There is no bucket with this name at the endpoint."), "bucket"),
    "InvalidBucketName": (gettext_lazy("There is no bucket with this name at the endpoint."), "bucket"),
    "InvalidObjectState": (
        gettext_lazy("The file is in an archive of the bucket. Restore it there first."),
        "folder",
    ),
}
_WRONG_REGION: Final = frozenset(
    {
        "PermanentRedirect",
        "TemporaryRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    }
)


class BucketFailed(PlaceRefused):
    """A bucket cannot be read; the message is for users. ``is_temporary``: the same request may succeed later."""

    def __init__(self, message: str, field: str, *, is_temporary: bool = False) -> None:
        super().__init__(message, field)
        self.is_temporary = is_temporary


class ObjectChanged(Exception):
    """An object is gone, or is another version than the one that was listed."""


def failure_of(status: int, code: str, region: str, *, is_listing: bool) -> BucketFailed:
    """Return what an error means: the HTTP status, and the code and the region in its body, if it has them.
    ``is_listing`` says whether the objects were to be listed, or one of them read."""
    if status in TEMPORARY and code not in _CAUSES:
        sentence = _("The server of the bucket has a temporary problem (%(status)d). Try again later.")
        return BucketFailed(sentence % {"status": status}, "endpoint", is_temporary=True)
    if region or code in _WRONG_REGION or (status in (301, 307) and not code):
        return BucketFailed(_region_sentence(region), "region")
    if code in _CAUSES:
        cause, field = _CAUSES[code]
        return BucketFailed(str(cause), field)
    if status in (401, 403):
        return _denied(is_listing=is_listing)
    if not code:
        return BucketFailed(_("There is no S3-compatible server at this address."), "endpoint")
    shown = code if _SAFE_CODE.fullmatch(code) else "…"
    return BucketFailed(_("The server of the bucket reported an error: %(code)s.") % {"code": shown}, "bucket")


def _denied(*, is_listing: bool) -> BucketFailed:
    if is_listing:
        sentence = _("The access key has no permission to list the bucket. Grant it s3:ListBucket.")
    else:
        sentence = _(
            "The access key can list the bucket, but has no permission to read files. Grant it s3:GetObject."
        )
    return BucketFailed(sentence, "access_key_id")


def _region_sentence(region: str) -> str:
    if _SAFE_REGION.fullmatch(region):
        return _("The bucket is in the region “%(region)s”.") % {"region": region}
    return _("The bucket is in another region, or has another endpoint.")


def unreachable(error: requests.RequestException | None) -> BucketFailed:
    """Return why there was no answer, or no complete one."""
    if isinstance(error, requests.exceptions.SSLError):
        return BucketFailed(_("The certificate of the server cannot be verified for this host name."), "endpoint")
    if isinstance(error, requests.exceptions.Timeout):
        sentence = _("The server of the bucket does not respond. Check the endpoint and any firewall in between.")
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        sentence = _("The connection to the bucket was lost. Try again.")
    else:
        sentence = _("The server of the bucket refused the connection. Check the endpoint and its port.")
    return BucketFailed(sentence, "endpoint", is_temporary=True)
