"""From a batch as it was planned to what goes over the line. Pure, and done in a sender's thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from django.utils.translation import gettext as _

from connections.destinations.errors import TOO_LARGE, BatchRefused, DestinationError
from connections.destinations.values import Incomplete, Preparer, Violation
from connections.models import Account
from exports.models import Batch
from exports.models.snapshot import RunSnapshot
from exports.state import run_settings


@dataclass(frozen=True)
class Converted:
    """The contacts of a batch in the form of the list; by address, why others cannot be sent, and which values
    of contacts are left out."""

    payloads: Sequence[str]
    violations: Mapping[str, Violation] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[Violation]] = field(default_factory=dict)


def convert(batch: Batch, preparer: Callable[[], Preparer], most_bytes: int) -> Converted:
    """What to send for ``batch``; its ``preparer`` is asked for where it is needed. Raises BatchRefused
    when that is too large for one request."""
    converted = Converted(batch.payloads) if batch.converted else _converted(batch, preparer())
    if len(converted.payloads) > 1 and _is_larger(converted.payloads, most_bytes):
        raise BatchRefused(
            _("These contacts do not fit into one request: their data is too large."), code=TOO_LARGE
        )
    return converted


def reader(account: str, list_id: str, snapshot: RunSnapshot) -> Callable[[str, str], str]:
    """Return a function that shows contacts of a batch of mapped values as they are sent, from address and
    values."""

    def read(email: str, values: str) -> str:
        if not values:  # erased
            return ""
        made = prepare(email, orjson.loads(values))
        if isinstance(made, Incomplete):
            return made.payload
        return values if isinstance(made, Violation) else made

    try:
        prepare = Account.parse(account).destination.preparer(run_settings.send_settings(list_id, snapshot))
    except DestinationError:  # the settings never worked: no contact was sent by them
        return lambda _email, values: values
    return read


def _converted(batch: Batch, prepare: Preparer) -> Converted:
    payloads: list[str] = []
    violations: dict[str, Violation] = {}
    left_out: dict[str, Sequence[Violation]] = {}
    # All at once: a call of its own for each contact takes longer than reading it.
    mapped = orjson.loads(f"[{','.join(batch.payloads)}]")
    for email, values in zip(batch.emails, mapped, strict=True):
        made = prepare(email, values)
        if isinstance(made, Violation):
            violations[email] = made
        elif isinstance(made, Incomplete):
            payloads.append(made.payload)
            left_out[email] = made.left_out
        else:
            payloads.append(made)
    return Converted(payloads, violations, left_out)


def _is_larger(payloads: Sequence[str], most_bytes: int) -> bool:
    characters = sum(map(len, payloads)) + len(payloads)
    if characters * 4 <= most_bytes:  # no character takes more
        return False
    return sum(len(payload.encode()) + 1 for payload in payloads) > most_bytes
