"""Look up the lists of an account while a user waits: for a few seconds, with a cache.

The vendor may take minutes to answer; the user gets a sentence after a few seconds, and an answer that arrives
later is cached for the next request.
"""

import contextvars
import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.core.cache import cache
from django.db import connections as databases
from django.utils.translation import gettext as _
from pydantic import TypeAdapter

from connections import credentials, vault
from connections.destinations.errors import DestinationError, TryLater
from connections.destinations.values import Access, ListDetails, ListSummary, SubscriberState
from connections.models import Connection

PATIENCE_SECONDS = 8.0
KEPT_SECONDS = 60

logger = logging.getLogger(__name__)
AnswerT = TypeVar("AnswerT")
_DETAILS = TypeAdapter(ListDetails)
_LISTS = TypeAdapter(Sequence[ListSummary])


@dataclass(frozen=True)
class Lookup:
    """What is known of one list; or why not, as a sentence. ``passing``: asking again may help."""

    details: ListDetails | None = None
    trouble: str = ""
    passing: bool = False


@dataclass(frozen=True)
class Lists:
    """The lists of an account; or why they cannot be shown."""

    found: Sequence[ListSummary] = ()
    trouble: str = ""


def look_up(connection: Connection, list_id: str) -> Lookup:
    """Look up a list by its ID."""
    try:
        details = _ask(connection, "list", list_id, connection.destination.list_details, _DETAILS)
    except DestinationError as error:
        return Lookup(trouble=error.sentence, passing=isinstance(error, TryLater))
    except vault.NotConnected as error:
        return Lookup(trouble=str(error))
    return Lookup(details=details)


def look_up_at_once(connection: Connection, list_id: str) -> Lookup | None:
    """Return the cached details of a list, or None."""
    stored = cache.get(_key(connection, "list", list_id))
    return Lookup(details=_DETAILS.validate_json(stored)) if stored else None


def forget(connection: Connection, list_id: str) -> None:
    """Drop the cached details of a list that has just been changed."""
    cache.delete(_key(connection, "list", list_id))


def lists_of(connection: Connection) -> Lists:
    """Return all lists of the account."""

    def ask(access: Access, _nothing: str) -> Sequence[ListSummary]:
        return connection.destination.lists(access)

    try:
        return Lists(found=_ask(connection, "lists", "", ask, _LISTS))
    except DestinationError as error:
        return Lists(trouble=error.sentence)
    except vault.NotConnected as error:
        return Lists(trouble=str(error))


def subscriber_state(connection: Connection, list_id: str, email: str) -> SubscriberState | None:
    """Look up the state of a subscriber on a list; nothing is cached. Raises DestinationError or NotConnected."""
    access = credentials.access(connection)
    return _patiently(lambda: connection.destination.find_person(access, list_id, email))


def _ask(
    connection: Connection,
    what: str,
    which: str,
    ask: Callable[[Access, str], AnswerT],
    stored_as: TypeAdapter[AnswerT],
) -> AnswerT:
    """Return the cached answer, or ask and cache it, as JSON, by the types of its dataclass."""
    key = _key(connection, what, which)
    stored: str | None = cache.get(key)
    if stored is not None:
        return stored_as.validate_json(stored)
    access = credentials.access(connection)

    def keep(answer: AnswerT) -> None:
        cache.set(key, stored_as.dump_json(answer).decode(), KEPT_SECONDS)

    answer = _patiently(lambda: ask(access, which), keep_late=keep)
    keep(answer)
    return answer


def _drop(_answer: object) -> None:
    """Cache nothing."""


def _patiently(ask: Callable[[], AnswerT], *, keep_late: Callable[[AnswerT], None] = _drop) -> AnswerT:
    """Call ``ask`` in a thread and return its answer, if it comes within the patience; a later one is given to
    ``keep_late``. Raises what ``ask`` raises, or TryLater."""
    answers: queue.SimpleQueue[AnswerT | BaseException] = queue.SimpleQueue()
    gave_up = threading.Event()

    def work() -> None:
        try:
            answer: AnswerT | BaseException = ask()
        except BaseException as error:
            answer = error
        answers.put(answer)
        if gave_up.is_set() and not isinstance(answer, BaseException):
            _keep_late(answer, keep_late)

    # A copy of the context, so that sentences come in the reader's language.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="look-up", daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        gave_up.set()
        raise TryLater(
            _("The request is taking longer than usual. Try again in a moment. Your entries are kept.")
        ) from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _keep_late(answer: AnswerT, keep: Callable[[AnswerT], None]) -> None:
    try:
        keep(answer)
    except Exception:  # the next question asks again
        logger.warning("could not keep a late answer")
    finally:
        databases.close_all()


def _key(connection: Connection, what: str, which: str) -> str:
    # What is stored when credentials change is different text, so that nothing of another account is shown.
    stored = connection.credentials.stored if connection.credentials else ""
    asked = hashlib.sha256(f"{stored} {which}".encode()).hexdigest()[:32]
    return f"look-up:{what}:{connection.pk}:{asked}"
