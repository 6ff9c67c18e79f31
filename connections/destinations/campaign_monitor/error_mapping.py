"""What a refusing answer stands for: one of the errors that are named by what happens next.

A status says little over there, so answers are judged by their code first.
"""

import logging
import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import error_codes
from connections.destinations.campaign_monitor.responses import Answer, code_in
from connections.destinations.errors import (
    TOO_LARGE,
    AccountFull,
    BatchRefused,
    DestinationError,
    NeedsAdministrator,
    PermanentError,
    TryLater,
)

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


def error_of(answer: Answer, content: Any, *, batch: bool) -> DestinationError:
    """Return the error that a refusing answer stands for. ``batch``: contacts were sent, and splitting may
    help."""
    code = code_in(content)
    if code is None:
        return _error_without_code(answer, batch=batch)
    said = without_addresses(str(content.get("Message") or ""))
    if error_codes.THROTTLED in {code, answer.status}:
        return _throttled(answer)
    if 500 <= code < 600 or answer.status >= 500:
        return _broken(answer, str(code))
    return _classified(answer, code, said, batch=batch)


def _classified(answer: Answer, code: int, said: str, *, batch: bool) -> DestinationError:
    facts: dict[str, Any] = {"code": str(code), "http_status": answer.status}
    if code in error_codes.ADMINISTRATOR:
        return NeedsAdministrator(str(error_codes.ADMINISTRATOR[code]), **facts)
    if code in error_codes.STOP:
        return PermanentError(str(error_codes.STOP[code]), **facts)
    if answer.status == error_codes.PAYMENT_REQUIRED or _speaks_of_plan(said):
        return AccountFull(error_codes.PLAN_FULL.format(message=said.rstrip(".")), **facts)
    if batch and answer.status == error_codes.TOO_LARGE:
        return _too_large(answer)
    if batch and (sentence := _batch_sentence(code, said)):
        return BatchRefused(str(sentence), **facts)
    sentence = _("Campaign Monitor refused the request: “{message}” (code {code}).").format(
        message=said, code=code
    )
    return BatchRefused(sentence, **facts) if batch and answer.status == 400 else PermanentError(sentence, **facts)


def _batch_sentence(code: int, said: str) -> str | Promise | None:
    """What to say of a batch that was refused as a whole for ``code``; None when the code is a stranger."""
    for table in (error_codes.BATCH, error_codes.REJECTED, error_codes.SUPPRESSED):
        if code in table:
            return table[code]
    return error_codes.REJECTED[error_codes.CONSENT_MISSING] if speaks_of_consent(said) else None


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


def _too_large(answer: Answer) -> BatchRefused:
    return BatchRefused(str(error_codes.BATCH[209]), code=TOO_LARGE, http_status=answer.status)


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


def is_foreign(answer: Answer) -> bool:
    """Whether Campaign Monitor did not write this answer: it never redirects, its 401 and 403 carry a code, and
    none of its answers is a web page. (Its 404 may be empty, and its own gateways answer 5xx as they like.)"""
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
    """The error of an answer that another program wrote. The request has not reached Campaign Monitor."""
    if answer.status < 300:
        culprit = error_codes.SIGN_IN_PAGE
    elif answer.status < 400:
        culprit = error_codes.REDIRECTED
    else:
        culprit = _CULPRITS.get(answer.status, error_codes.PROXY_OR_FIREWALL)
    sentence = str(error_codes.NOT_FROM_VENDOR).format(status=answer.status, culprit=culprit)
    return TryLater(sentence, code="not_from_vendor", http_status=answer.status)


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def unreadable(answer: Answer) -> TryLater:
    """The error of an answer that is not what it should be."""
    if is_foreign(answer):
        return not_from_vendor(answer)
    return TryLater(str(error_codes.UNREADABLE), code="unreadable", http_status=answer.status)


def without_addresses(said: str) -> str:
    """Take addresses out of the vendor's words: they are also shown to users who see no address."""
    return _ADDRESS.sub("…", said[:_LONGEST_MESSAGE])


def _speaks_of_plan(said: str) -> bool:
    return any(words in said.lower() for words in error_codes.PLAN_WORDS)


def speaks_of_consent(said: str) -> bool:
    """Whether a refusal in the vendor's words is for want of consent."""
    return "consent" in said.lower()


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that the vendor asks us to wait, at most 15 minutes, by the header that asks for more of
    ``Retry-After`` and ``X-RateLimit-Reset``; None when neither can be understood."""
    now = _moment(headers.get("date", ""))
    waits = [_seconds(headers.get(name, ""), now) for name in ("retry-after", "x-ratelimit-reset")]
    wait = max((wait for wait in waits if wait is not None), default=None)
    if wait is not None and wait > _LONGEST_WAIT:
        logger.warning("an answer asks for a wait of %.0f seconds; %d are kept to", wait, _LONGEST_WAIT)
    return None if wait is None else min(wait, _LONGEST_WAIT)


def _seconds(value: str, now: float | None) -> float | None:
    """A wait in seconds from a number of seconds, a moment since 1970, or an HTTP date; never negative. A moment
    is counted from the answer's own ``Date``, so that clocks need not agree."""
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
    """The seconds since 1970 of an HTTP date; None when it is none."""
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _log_not_understood(value: str) -> None:
    logger.warning("an answer asks to wait “%s”, which cannot be understood", value[:40])
