"""What a refusing answer stands for: one of the errors that are named by what happens next.

A status says little over there, so answers are judged by their code first.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import codes
from connections.destinations.campaign_monitor.answers import Answer, code_in
from connections.destinations.errors import (
    AccountFull,
    BatchRefused,
    DestinationError,
    NeedsAdministrator,
    StopRun,
    TryLater,
)

_ADDRESS = re.compile(r"[^\s@“”\"'<>(),;:]+@[^\s@“”\"'<>(),;:]+[^\s@“”\"'<>(),;:.]")


def error_of(answer: Answer, content: Any, *, batch: bool) -> DestinationError:
    """The error that a refusing answer stands for. ``batch``: people were sent, and halving may help."""
    code = code_in(content)
    if code is None:
        return _error_without_code(answer, batch=batch)
    said = without_addresses(str(content.get("Message") or ""))
    if codes.THROTTLED in {code, answer.status}:
        return _throttled(answer)
    if 500 <= code < 600 or answer.status >= 500:
        return _broken(answer, str(code))
    return _classified(answer, code, said, batch=batch)


def _classified(answer: Answer, code: int, said: str, *, batch: bool) -> DestinationError:
    facts: dict[str, Any] = {"code": str(code), "http_status": answer.status}
    if code in codes.ADMINISTRATOR:
        return NeedsAdministrator(str(codes.ADMINISTRATOR[code]), **facts)
    if code in codes.STOP:
        return StopRun(str(codes.STOP[code]), **facts)
    if answer.status == codes.PAYMENT_REQUIRED or _speaks_of_plan(said):
        return AccountFull(codes.PLAN_FULL.format(message=said.rstrip(".")), **facts)
    if batch and (sentence := _batch_sentence(code, said)):
        return BatchRefused(str(sentence), **facts)
    sentence = _("Campaign Monitor refused the request: “{message}” (code {code}).").format(
        message=said, code=code
    )
    return BatchRefused(sentence, **facts) if batch and answer.status == 400 else StopRun(sentence, **facts)


def _batch_sentence(code: int, said: str) -> str | Promise | None:
    """What to say of a batch that was refused as a whole for ``code``; None when the code is a stranger."""
    for table in (codes.BATCH, codes.REJECTED, codes.LEFT):
        if code in table:
            return table[code]
    return codes.REJECTED[codes.CONSENT_MISSING] if speaks_of_consent(said) else None


def _error_without_code(answer: Answer, *, batch: bool) -> DestinationError:
    if answer.status == codes.NOT_FOUND:
        return StopRun(str(codes.STOP[codes.NOT_FOUND]), code="404", http_status=404)
    if answer.status == codes.THROTTLED:
        return _throttled(answer)
    if answer.status >= 500:
        return _broken(answer, str(answer.status))
    if batch and answer.status == 413:  # something on the way found the body too large: a half may pass
        return BatchRefused(str(codes.BATCH[209]), code="413", http_status=413)
    return unreadable(answer)


def _throttled(answer: Answer) -> TryLater:
    return TryLater(
        str(codes.BUSY),
        code=str(codes.THROTTLED),
        http_status=answer.status,
        after_seconds=asked_to_wait(answer.headers),
        throttled=True,
    )


def _broken(answer: Answer, code: str) -> TryLater:
    wait = asked_to_wait(answer.headers)
    return TryLater(str(codes.BROKEN), code=code, http_status=answer.status, after_seconds=wait)


def unreadable(answer: Answer) -> TryLater:
    """The error of an answer that is not what it should be."""
    return TryLater(str(codes.UNREADABLE), code="unreadable", http_status=answer.status)


def without_addresses(said: str) -> str:
    """The vendor's words for people: they are also shown to those who see no address."""
    return _ADDRESS.sub("…", said)


def _speaks_of_plan(said: str) -> bool:
    return any(words in said.lower() for words in codes.PLAN_WORDS)


def speaks_of_consent(said: str) -> bool:
    """Whether a refusal in the vendor's words is for want of consent."""
    return "consent" in said.lower()


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that the vendor asks us to wait, by whichever header says more; None when neither speaks."""
    waits = [_retry_after(headers), _seconds(headers.get("x-ratelimit-reset", ""))]
    return max((wait for wait in waits if wait is not None), default=None)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    seconds = _seconds(value)
    if seconds is not None or not value:
        return seconds
    try:  # a moment; counted from the answer's own, so that clocks need not agree
        until, since = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError):
        return None


def _seconds(value: str) -> float | None:
    return float(value) if value.isascii() and value.isdigit() else None
