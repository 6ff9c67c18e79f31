"""Sign messages as Standard Webhooks says: HMAC-SHA256 over ID, time and body, with a secret ``whsec_…``.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

SECRET_PREFIX = "whsec_"  # noqa: S105 - how receivers tell such a secret
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a random secret."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(event_id: str, second: int, body: bytes, webhook_secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of a message, with a signature by each secret: a receiver that knows one of them can
    check it while the secret is being replaced."""
    signatures = [_sign(event_id, second, body, each) for each in webhook_secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(second),
        "webhook-signature": " ".join(signatures),
    }


def _sign(event_id: str, second: int, body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{event_id}.{second}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
