"""SenderPool: a few batches wait before the senders, and those that wait can be canceled."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from connections.destinations.base import Destination
from connections.destinations.values import Access, BatchReceipt, SendSettings
from exports.batches.encode import Converted
from exports.batches.writer import BatchResult
from exports.delivery.sender_pool import SenderPool
from exports.models import Batch
from tests.support.waiting import wait_until


class Held(SenderPool):
    """SenderPool whose calls end when they are let go."""

    def __init__(self) -> None:
        super().__init__(cast(Destination, Nowhere()), cast(Access, None), cast(SendSettings, None), most=4)
        self.begun: list[int] = []
        self.let_go = threading.Semaphore(0)
        self.broken: set[int] = set()

    def convert(self, batch: Batch) -> Converted:
        return Converted([])

    def send(self, batch: Batch, converted: Converted) -> BatchResult:
        self.begun.append(batch.number)
        assert self.let_go.acquire(timeout=60)
        if batch.number in self.broken:
            raise ConnectionError(batch.number)
        return BatchResult(BatchReceipt(0, 0, (), http_status=201, seconds=0.0, bytes_sent=0))


class Nowhere:
    def preparer(self, _settings: SendSettings) -> Any:
        return None


@pytest.fixture
def lines() -> Iterator[Held]:
    held = Held()
    with held:
        yield held
        held.let_go.release(100)


def submit(lines: SenderPool, *numbers: int) -> list[Any]:
    return [lines.submit(Batch(number=number)) for number in numbers]


def test_they_send_as_many_at_once_as_they_may(lines: Held) -> None:
    lines.limit(2)
    submit(lines, 1, 2, 3, 4)
    wait_until(lambda: len(lines.begun) == 2)
    assert lines.in_flight == 2


def test_one_that_is_done_takes_the_next_by_itself(lines: Held) -> None:
    first, second = submit(lines, 1, 2)
    lines.let_go.release()
    first.result(60)
    wait_until(lambda: lines.begun == [1, 2])
    assert not second.done()


def test_more_of_them_set_off_when_the_limit_rises(lines: Held) -> None:
    submit(lines, 1, 2, 3)
    lines.limit(3)
    wait_until(lambda: sorted(lines.begun) == [1, 2, 3])


def test_none_goes_on_above_a_limit_that_has_fallen(lines: Held) -> None:
    lines.limit(2)
    sent = submit(lines, 1, 2, 3, 4)
    wait_until(lambda: lines.in_flight == 2)
    lines.limit(1)
    lines.let_go.release(2)
    wait_until(lambda: sum(future.done() for future in sent) == 2)
    wait_until(lambda: len(lines.begun) == 3)
    assert lines.in_flight == 1


def test_a_sender_that_meets_an_error_takes_no_other_batch(lines: Held) -> None:
    lines.broken = {1}
    first, second = submit(lines, 1, 2)
    lines.let_go.release()
    with pytest.raises(ConnectionError):
        first.result(60)
    assert lines.in_flight == 0
    assert lines.begun == [1]
    assert lines.cancel_waiting() == [second]


def test_those_that_have_gone_out_are_not_taken_back(lines: Held) -> None:
    first, second, third = submit(lines, 1, 2, 3)
    wait_until(lambda: lines.begun == [1])
    assert lines.cancel_waiting() == [second, third]
    lines.let_go.release()
    assert first.result(60).receipt.http_status == 201
    assert lines.begun == [1]
