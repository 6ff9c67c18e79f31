"""Sign requests to S3-compatible servers with AWS Signature Version 4.

This is the published algorithm for requests without a body. The tests compare it with the signatures of the
vendor's own library, which is no dependency of the product.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SERVICE: Final = "s3"
_UNRESERVED: Final = "-_.~"
_NO_BODY: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class SigningKey:
    """The access key that requests are signed with, and the region of the bucket."""

    access_key_id: str
    secret_key: str = field(repr=False)
    region: str


def encoded_path(path: str) -> str:
    """Return a path as it stands in an address and in what is signed."""
    return quote(path, safe=f"/{_UNRESERVED}")


def encoded_query(query: Mapping[str, str]) -> str:
    """Return the parameters as they stand in an address and in what is signed: sorted by name."""
    pairs = sorted(tuple(quote(text, safe=_UNRESERVED) for text in pair) for pair in query.items())
    return "&".join("=".join(pair) for pair in pairs)


def signed_headers(
    key: SigningKey, *, host: str, path: str, query: Mapping[str, str], moment: datetime, method: str = "GET"
) -> dict[str, str]:
    """Return the headers of a request without a body, with the signature. ``path`` is not encoded; ``moment`` is
    in UTC."""
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{key.region}/{_SERVICE}/aws4_request"
    headers = {"host": host, "x-amz-content-sha256": _NO_BODY, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join((method, encoded_path(path), encoded_query(query), lines, names, _NO_BODY))
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(
        _derived_key(key, stamp[:8]), "\n".join((_ALGORITHM, stamp, scope, hashed)).encode(), hashlib.sha256
    ).hexdigest()
    credential = f"Credential={key.access_key_id}/{scope}"
    return {
        **headers,
        "authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}",
    }


def _derived_key(key: SigningKey, day: str) -> bytes:
    derived = f"AWS4{key.secret_key}".encode()
    for part in (day, key.region, _SERVICE, "aws4_request"):
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    return derived
