"""Several questions to one account at the same time. Each takes its time over there, and none needs the answer to
another."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from types import TracebackType
from typing import TypeVar

from connections.destinations.campaign_monitor.client import Client

_AT_ONCE = 5
Answer = TypeVar("Answer")


class Asking(AbstractContextManager["Asking", None]):
    """Each question goes over a line of its own that ``open_line`` opens; leaving waits for all of them."""

    def __init__(self, open_line: Callable[[], Client]) -> None:
        self._open_line = open_line
        self._executor = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ask")

    def ask(self, question: Callable[[Client], Answer]) -> "Future[Answer]":
        """Ask in a thread. The future raises what the question raises, in the language of the caller."""
        return self._executor.submit(copy_context().run, self._answer, question)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()

    def _answer(self, question: Callable[[Client], Answer]) -> Answer:
        with self._open_line() as client:
            return question(client)
