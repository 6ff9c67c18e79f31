"""The lines that batches go out over: each kept alive, with a thread of its own that knows no database.

A few batches wait in front of them, converted already, so that no line waits for the thread that writes what
became of others.
"""

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType

from connections.destinations.base import Destination, Sender
from connections.destinations.values import Access, BatchReceipt, Deed, Preparer, SendSettings
from exports.batches.encode import Converted, convert
from exports.batches.values import Sent
from exports.models import Batch

# Lines begin one after another: answers to calls that set off together come together, and keep each other waiting
# for good.
_BETWEEN_LINES = 0.03

# What a batch comes to in which nobody can be sent.
_NOBODY = BatchReceipt(0, 0, (), http_status=None, seconds=0.0, bytes_sent=0)


@dataclass(frozen=True)
class _Waiting:
    """A batch in front of the lines, and what it is converted to."""

    future: "Future[Sent]"
    batch: Batch
    converted: "Future[Converted]"


class Lines(AbstractContextManager["Lines", None]):
    """As many lines as were ever needed at once; each is opened by its thread, all are closed together."""

    def __init__(self, destination: Destination, access: Access, settings: SendSettings, *, most: int) -> None:
        self._destination, self._access, self._settings = destination, access, settings
        self._executor = ThreadPoolExecutor(most, thread_name_prefix="send")
        self._converter = ThreadPoolExecutor(1, thread_name_prefix="convert")
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._waiting: deque[_Waiting] = deque()
        self._limit = 1
        self._busy = 0
        self._requested: set[int] = set()

    @property
    def busy(self) -> int:
        """How many batches are out."""
        return self._busy

    @property
    def requested(self) -> frozenset[int]:
        """The ids of batches of which a request may have left."""
        return frozenset(self._requested)

    def limit(self, most: int) -> None:
        """Let so many be out at once, from the next that goes on."""
        with self._lock:
            self._limit = most
            self._set_off()

    def submit(self, batch: Batch) -> "Future[Sent]":
        """Send the batch in a thread, after those that wait already. The future raises what the destination
        raises."""
        waiting = _Waiting(Future(), batch, self._converter.submit(self.convert, batch))
        with self._lock:
            self._waiting.append(waiting)
            self._set_off()
        return waiting.future

    def take_back(self) -> "list[Future[Sent]]":
        """Let nobody wait any more; those whose batches have not gone out."""
        with self._lock:
            waiting = [each.future for each in self._waiting]
            self._waiting.clear()
        return waiting

    def _set_off(self) -> None:
        while self._waiting and self._busy < self._limit:
            self._busy += 1
            self._executor.submit(self._work, self._waiting.popleft())

    def _work(self, first: "_Waiting") -> None:
        """In a sender's thread: one after another, until one meets trouble, which is for others to judge."""
        following: _Waiting | None = first
        while following:
            current = following
            try:
                sent = self.send(current.batch, current.converted.result())
            except BaseException as trouble:  # whoever waits for the future has to know
                with self._lock:
                    self._busy -= 1
                current.future.set_exception(trouble)
                return
            following = self._next()
            current.future.set_result(sent)

    def _next(self) -> "_Waiting | None":
        with self._lock:
            if self._waiting and self._busy <= self._limit:
                return self._waiting.popleft()
            self._busy -= 1
            return None

    def convert(self, batch: Batch) -> Converted:
        """In a thread of its own."""
        return convert(batch, lambda: self._prepare, self._destination.capabilities.batch_bytes)

    def send(self, batch: Batch, converted: Converted) -> Sent:
        """In a sender's thread."""
        if not converted.payloads:
            return Sent(_NOBODY, converted.violations)
        self._access.check_may_send()
        self._requested.add(batch.pk)
        settings = replace(self._settings, deed=Deed(batch.deed), again=batch.attempt > 1)
        receipt = self._sender().send(converted.payloads, settings)
        return Sent(receipt, converted.violations, converted.left_out)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.take_back()
        self._executor.shutdown()
        self._converter.shutdown(cancel_futures=True)
        self._opened.close()

    @cached_property
    def _prepare(self) -> Preparer:
        """The settings of a run that sends nobody may not do for it."""
        return self._destination.preparer(self._settings)

    def _sender(self) -> Sender:
        if not hasattr(self._mine, "sender"):
            with self._opening:
                line = self._destination.open_sender(self._access)
                self._mine.sender = self._opened.enter_context(line)
                time.sleep(_BETWEEN_LINES)
        sender: Sender = self._mine.sender
        return sender
