"""Send batches in a pool of threads, each with a kept-alive connection to the destination.

They know no database. A few encoded batches wait in front of the senders, so that no
sender waits for the thread that writes results.
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
from connections.destinations.values import Access, BatchOperation, BatchReceipt, Preparer, SendSettings
from exports.batches.encode import Converted, convert
from exports.batches.writer import BatchResult
from exports.models import Batch

# Senders start one after another: answers to calls that start together come together, and keep each other waiting
# for good.
_SECONDS_BETWEEN_STARTS = 0.03

# The answer to a batch without any contact that can be sent.
_EMPTY_RECEIPT = BatchReceipt(0, 0, (), http_status=None, seconds=0.0, bytes_sent=0)


@dataclass(frozen=True)
class _Waiting:
    """A batch that waits for a sender, and its encoded contacts."""

    future: "Future[BatchResult]"
    batch: Batch
    converted: "Future[Converted]"


class SenderPool(AbstractContextManager["SenderPool", None]):
    """A pool of senders. Each is opened by its own thread when it is first needed; all are closed together."""

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
        self._in_flight = 0
        self._requested: set[int] = set()

    @property
    def in_flight(self) -> int:
        """Count the batches that are being sent."""
        return self._in_flight

    @property
    def requested(self) -> frozenset[int]:
        """Return the ids of batches whose request may have left."""
        return frozenset(self._requested)

    def limit(self, most: int) -> None:
        """Set how many batches may be in flight, from the next one on."""
        with self._lock:
            self._limit = most
            self._dispatch()

    def submit(self, batch: Batch) -> "Future[BatchResult]":
        """Send a batch in a thread, after those that wait already. The future holds the result, or raises what the
        destination raises."""
        waiting = _Waiting(Future(), batch, self._converter.submit(self.convert, batch))
        with self._lock:
            self._waiting.append(waiting)
            self._dispatch()
        return waiting.future

    def cancel_waiting(self) -> "list[Future[BatchResult]]":
        """Cancel the batches that wait for a sender, and return their futures."""
        with self._lock:
            waiting = [each.future for each in self._waiting]
            self._waiting.clear()
        return waiting

    def _dispatch(self) -> None:
        while self._waiting and self._in_flight < self._limit:
            self._in_flight += 1
            self._executor.submit(self._work, self._waiting.popleft())

    def _work(self, first: "_Waiting") -> None:
        """Send one batch after another in a thread of the pool, until one fails or none waits."""
        following: _Waiting | None = first
        while following:
            current = following
            try:
                sent = self.send(current.batch, current.converted.result())
            except BaseException as error:  # it is raised where the future is read
                with self._lock:
                    self._in_flight -= 1
                current.future.set_exception(error)
                return
            following = self._next()
            current.future.set_result(sent)

    def _next(self) -> "_Waiting | None":
        with self._lock:
            if self._waiting and self._in_flight <= self._limit:
                return self._waiting.popleft()
            self._in_flight -= 1
            return None

    def convert(self, batch: Batch) -> Converted:
        """Encode a batch, in the thread for encoding."""
        return convert(batch, lambda: self._prepare, self._destination.capabilities.batch_bytes)

    def send(self, batch: Batch, converted: Converted) -> BatchResult:
        """Send an encoded batch, in a thread of the pool."""
        if not converted.payloads:
            return BatchResult(_EMPTY_RECEIPT, converted.violations)
        self._access.check_may_send()
        self._requested.add(batch.pk)
        settings = replace(self._settings, operation=BatchOperation(batch.operation), again=batch.attempt > 1)
        receipt = self._sender().send(converted.payloads, settings)
        return BatchResult(receipt, converted.violations, converted.left_out)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel_waiting()
        self._executor.shutdown()
        self._converter.shutdown(cancel_futures=True)
        self._opened.close()

    @cached_property
    def _prepare(self) -> Preparer:
        """Make the preparer when the first contact is encoded: settings of a run without any may not suit one."""
        return self._destination.preparer(self._settings)

    def _sender(self) -> Sender:
        if not hasattr(self._mine, "sender"):
            with self._opening:
                opened = self._destination.open_sender(self._access)
                self._mine.sender = self._opened.enter_context(opened)
                time.sleep(_SECONDS_BETWEEN_STARTS)
        sender: Sender = self._mine.sender
        return sender
