"""The lines that batches go out over: each kept alive, with a thread of its own that knows no database."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType

from connections.destinations.base import Destination, Sender
from connections.destinations.values import Access, BatchReceipt, Deed, SendSettings, Violation
from exports.converting import convert
from exports.models import Batch

# What a batch comes to in which nobody can be sent.
_NOBODY = BatchReceipt(0, 0, (), http_status=None, seconds=0.0, bytes_sent=0)


@dataclass(frozen=True)
class Sent:
    """What became of a batch: the answer, and by address who could not be sent at all."""

    receipt: BatchReceipt
    violations: Mapping[str, Violation] = field(default_factory=dict)


class Lines(AbstractContextManager["Lines", None]):
    """As many lines as were ever needed at once; each is opened by its thread, all are closed together."""

    def __init__(self, destination: Destination, access: Access, settings: SendSettings, *, most: int) -> None:
        self._destination, self._access, self._settings = destination, access, settings
        self._prepare = destination.preparer(settings)
        self._executor = ThreadPoolExecutor(most, thread_name_prefix="send")
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._mine = threading.local()

    def submit(self, batch: Batch) -> "Future[Sent]":
        """Send the batch in a thread. The future raises what the destination raises."""
        return self._executor.submit(self.send, batch)

    def send(self, batch: Batch) -> Sent:
        """In a sender's thread."""
        converted = convert(batch, self._prepare, self._destination.capabilities.batch_bytes)
        if not converted.payloads:
            return Sent(_NOBODY, converted.violations)
        settings = replace(self._settings, deed=Deed(batch.deed))
        return Sent(self._sender().send(converted.payloads, settings), converted.violations)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._opened.close()

    def _sender(self) -> Sender:
        if not hasattr(self._mine, "sender"):
            with self._opening:
                line = self._destination.open_sender(self._access)
                self._mine.sender = self._opened.enter_context(line)
        sender: Sender = self._mine.sender
        return sender
