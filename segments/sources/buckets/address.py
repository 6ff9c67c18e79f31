"""Find the server of a bucket, and refuse internal ones unless a setting lists them."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from config.platform.hosts import HostRefused, resolve_host
from segments.sources.buckets.errors import BucketFailed

DEFAULT_REGION: Final = "us-east-1"
_SETTING: Final = "DATABASE_SOURCE_HOSTS"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_REGION: Final = re.compile(r"[A-Za-z0-9-]{0,64}")


@dataclass(frozen=True)
class BucketServer:
    """The server of a bucket, by its checked addresses. ``name`` is for the certificate, ``host`` for the header
    of that name; ``base_path`` comes before the key of an object."""

    scheme: str
    name: str
    host: str
    base_path: str
    addresses: tuple[str, ...]


def server_of(*, endpoint: str, region: str, bucket: str, is_path_style: bool) -> BucketServer:
    """Return the server of a bucket. Raises BucketFailed for an address that cannot be used or is internal."""
    if not _BUCKET.fullmatch(bucket):
        raise BucketFailed(
            _("Enter the name of a bucket without s3://: 3 to 63 letters, digits, periods and hyphens."), "bucket"
        )
    if not _REGION.fullmatch(region):
        raise BucketFailed(_("Enter a region such as eu-central-1."), "region")
    try:
        parts = urlsplit(endpoint or f"https://s3.{region or DEFAULT_REGION}.amazonaws.com")
        name, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:  # idna raises a kind of it
        raise _wrong_endpoint() from None
    is_plain = not parts.path.strip("/") and not parts.query and not parts.fragment and parts.username is None
    if parts.scheme not in ("http", "https") or not name or not is_plain:
        raise _wrong_endpoint()
    allowed = list(settings.DATABASE_SOURCE_HOSTS)
    if not is_path_style:
        is_listed = name in {word.rstrip(".").casefold() for word in allowed}
        name = f"{bucket}.{name}"
        allowed += [name] if is_listed else []
    try:
        addresses = resolve_host(name, allowed=allowed, setting=_SETTING)
    except HostRefused as refusal:
        raise BucketFailed(str(refusal), "endpoint") from refusal
    shown = f"[{name}]" if ":" in name else name
    return BucketServer(
        scheme=parts.scheme,
        name=name,
        host=shown if port is None else f"{shown}:{port}",
        base_path=f"/{bucket}/" if is_path_style else "/",
        addresses=tuple(addresses),
    )


def _wrong_endpoint() -> BucketFailed:
    return BucketFailed(_("Enter the address of a server, such as https://storage.example.com."), "endpoint")
