"""Read HTTP responses of Campaign Monitor, and map refusals to errors that are named by what happens next.

The same status stands for very different things, so the code of a response decides first.
"""

import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import error_codes
from connections.destinations.errors import (
    TOO_LARGE,
    AccountFull,
    BatchRefused,
    DestinationError,
    NeedsAdministrator,
    PermanentError,
    TryLater,
)

# The largest code that is known is 98798, of a test.
_LARGEST_CODE = 2**31 - 1
logger = logging.getLogger(__name__)
_NO_ADDRESS = r"\s@“”\"'<>(),;:"
# The lookbehind lets a match begin only where a word does: without it a long word costs quadratic time.
_ADDRESS = re.compile(rf"(?<![^{_NO_ADDRESS}])[^{_NO_ADDRESS}]+@[^{_NO_ADDRESS}]*[^{_NO_ADDRESS}.]")
# So long a message is read at most: longer ones are nothing that a person could read.
_LONGEST_MESSAGE = 2_000
# No wait that an answer asks for is longer, in seconds.
_LONGEST_WAIT = 15 * 60
# A number of seconds above this is a moment, in seconds since 1970.
_EPOCH_FROM = 1_000_000_000
_CULPRITS = {407: error_codes.PROXY_SIGN_IN}


@dataclass(frozen=True)
class Answer:
    """A response: status, decompressed body, and headers by lower-case name."""

    status: int
    body: bytes = field(default=b"", repr=False)  # may hold people, and a client's key
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 0.0

    @property
    def sent_at(self) -> datetime | None:
        """Return the moment in the ``Date`` header, or None."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


def code_in(content: Any) -> int | None:
    """Return the vendor's code in the content of a response; None where there is none, or a number that is no
    code."""
    try:
        code = int(content["Code"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return code if abs(code) <= _LARGEST_CODE else None


def error_of(answer: Answer, content: Any, *, batch: bool) -> DestinationError:
    """Return the error of a refusing response. ``batch``: contacts were sent, and splitting may help."""
    code = code_in(content)
    if code is None:
        return _error_without_code(answer, batch=batch)
    said = without_addresses(str(content.get("Message") or ""))
    if error_codes.THROTTLED in {code, answer.status}:
        return _throttled(answer)
    if 500 <= code < 600 or answer.status >= 500:
        return _broken(answer, str(code))
    return _classified(answer, code, said, batch=batch)


def is_foreign(answer: Answer) -> bool:
    """Tell whether a proxy, firewall or captive portal wrote the response: Campaign Monitor never redirects, its
    401 and 403 carry a code, and it answers no web page. (Its 404 may be empty, and its gateways answer 5xx in any
    form.)"""
    if answer.status >= 500 or answer.status == error_codes.THROTTLED:
        return False
    if answer.status < 300:
        return answer.body.lstrip()[:1] == b"<"
    if answer.status < 400 or answer.status in (
        error_codes.UNAUTHORIZED,
        error_codes.FORBIDDEN,
        error_codes.PROXY_AUTHENTICATION,
    ):
        return True
    return bool(answer.body.strip()) and not _is_json(answer.body)


def not_from_vendor(answer: Answer) -> TryLater:
    """Return the error of a response that another program wrote; the request has not reached Campaign Monitor."""
    if answer.status < 300:
        culprit = error_codes.SIGN_IN_PAGE
    elif answer.status < 400:
        culprit = error_codes.REDIRECTED
    else:
        culprit = _CULPRITS.get(answer.status, error_codes.PROXY_OR_FIREWALL)
    sentence = str(error_codes.NOT_FROM_VENDOR).format(status=answer.status, culprit=culprit)
    return TryLater(sentence, code="not_from_vendor", http_status=answer.status)


def unreadable(answer: Answer) -> TryLater:
    """Return the error of a response that cannot be read."""
    if is_foreign(answer):
        return not_from_vendor(answer)
    return TryLater(str(error_codes.UNREADABLE), code="unreadable", http_status=answer.status)


def _classified(answer: Answer, code: int, said: str, *, batch: bool) -> DestinationError:
    facts: dict[str, Any] = {"code": str(code), "http_status": answer.status}
    if code in error_codes.ADMINISTRATOR:
        return NeedsAdministrator(str(error_codes.ADMINISTRATOR[code]), **facts)
    if code in error_codes.STOP:
        return PermanentError(str(error_codes.STOP[code]), **facts)
    if answer.status == error_codes.PAYMENT_REQUIRED or any(
        words in said.lower() for words in error_codes.PLAN_WORDS
    ):
        return AccountFull(error_codes.PLAN_FULL.format(message=said.rstrip(".")), **facts)
    if batch and answer.status == error_codes.TOO_LARGE:
        return BatchRefused(str(error_codes.BATCH[209]), code=TOO_LARGE, http_status=answer.status)
    if batch and (sentence := _batch_sentence(code, said)):
        return BatchRefused(str(sentence), **facts)
    sentence = _("Campaign Monitor refused the request: “{message}” (code {code}).").format(
        message=said, code=code
    )
    return BatchRefused(sentence, **facts) if batch and answer.status == 400 else PermanentError(sentence, **facts)


def _batch_sentence(code: int, said: str) -> str | Promise | None:
    """Return the sentence for a batch that was refused as a whole with ``code``; None for an unknown code."""
    for table in (error_codes.BATCH, error_codes.REJECTED, error_codes.SUPPRESSED):
        if code in table:
            return table[code]
    return error_codes.REJECTED[error_codes.CONSENT_MISSING] if is_about_consent(said) else None


def _error_without_code(answer: Answer, *, batch: bool) -> DestinationError:
    if is_foreign(answer) and not (batch and answer.status == error_codes.TOO_LARGE):
        return not_from_vendor(answer)
    if answer.status == error_codes.NOT_FOUND:
        return PermanentError(str(error_codes.STOP[error_codes.NOT_FOUND]), code="404", http_status=404)
    if answer.status == error_codes.THROTTLED:
        return _throttled(answer)
    if answer.status >= 500:
        return _broken(answer, str(answer.status))
    if (
        batch and answer.status == error_codes.TOO_LARGE
    ):  # something on the way found the body too large: a half may pass
        return BatchRefused(str(error_codes.BATCH[209]), code="413", http_status=413)
    return unreadable(answer)


def _throttled(answer: Answer) -> TryLater:
    return TryLater(
        str(error_codes.BUSY),
        code=str(error_codes.THROTTLED),
        http_status=answer.status,
        after_seconds=asked_to_wait(answer.headers),
        throttled=True,
    )


def _broken(answer: Answer, code: str) -> TryLater:
    wait = asked_to_wait(answer.headers)
    return TryLater(str(error_codes.BROKEN), code=code, http_status=answer.status, after_seconds=wait)


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def without_addresses(said: str) -> str:
    """Mask email addresses in the vendor's message, which is also shown to users who see no addresses."""
    return _ADDRESS.sub("…", said[:_LONGEST_MESSAGE])


def is_about_consent(said: str) -> bool:
    """Tell whether a refusal, by its message, is about missing consent."""
    return "consent" in said.lower()


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, at most 15 minutes, by the larger of ``Retry-After`` and ``X-RateLimit-Reset``;
    None when neither can be read."""
    now = _moment(headers.get("date", ""))
    waits = [_seconds(headers.get(name, ""), now) for name in ("retry-after", "x-ratelimit-reset")]
    wait = max((wait for wait in waits if wait is not None), default=None)
    if wait is not None and wait > _LONGEST_WAIT:
        logger.warning("an answer asks for a wait of %.0f seconds; %d are kept to", wait, _LONGEST_WAIT)
    return None if wait is None else min(wait, _LONGEST_WAIT)


def _seconds(value: str, now: float | None) -> float | None:
    """Convert a number of seconds, a moment since 1970, or an HTTP date to seconds to wait, never negative. A
    moment is counted from the response's own ``Date``, so that clocks need not agree."""
    value = value.strip()
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        moment = _moment(value)
    else:
        if not math.isfinite(number):
            _log_not_understood(value)
            return None
        if number < _EPOCH_FROM:
            return max(0.0, number)
        moment = number
    if moment is None:
        _log_not_understood(value)
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _moment(value: str) -> float | None:
    """Convert an HTTP date to seconds since 1970; None when it is none."""
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _log_not_understood(value: str) -> None:
    logger.warning("an answer asks to wait “%s”, which cannot be understood", value[:40])
