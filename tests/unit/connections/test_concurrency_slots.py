"""The shared maximum, over real sessions of the database."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from django.db import connection

from connections.concurrency_slots import HeldSlots, acquire_slots, release_slots

pytestmark = pytest.mark.django_db(transaction=True)


class OtherSession:
    """A thread with a database connection of its own, that does one thing after another."""

    def __init__(self) -> None:
        self._jobs: list[tuple[Callable[[], object], Future[object]]] = []
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work)
        self._done = False
        self._thread.start()

    def do(self, job: Callable[[], object]) -> object:
        future: Future[object] = Future()
        with self._wake:
            self._jobs.append((job, future))
            self._wake.notify()
        return future.result(timeout=10)

    def close(self) -> None:
        with self._wake:
            self._done = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._done)
                if not self._jobs:
                    connection.close()
                    return
                job, future = self._jobs.pop()
            future.set_result(job())


@pytest.fixture
def other() -> Iterator[OtherSession]:
    session = OtherSession()
    yield session
    session.close()


@pytest.fixture(autouse=True)
def _release_all() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def test_two_sessions_share_one_maximum(other: OtherSession) -> None:
    assert acquire_slots(1, 3, 4) == [0, 1, 2]
    assert other.do(lambda: acquire_slots(1, 3, 4)) == [3]
    assert acquire_slots(1, 1, 4) == []


def test_connections_do_not_share(other: OtherSession) -> None:
    assert acquire_slots(1, 4, 4) == [0, 1, 2, 3]
    assert other.do(lambda: acquire_slots(2, 4, 4)) == [0, 1, 2, 3]


def test_a_session_never_counts_a_slot_twice() -> None:
    assert acquire_slots(1, 2, 4) == [0, 1]
    assert acquire_slots(1, 4, 4) == [2, 3]
    assert acquire_slots(1, 1, 4) == []


def test_released_slots_are_free_for_others(other: OtherSession) -> None:
    acquire_slots(1, 4, 4)
    release_slots(1, [1, 2])
    assert other.do(lambda: acquire_slots(1, 4, 4)) == [1, 2]


def test_a_slot_that_is_not_held_can_be_released() -> None:
    release_slots(1, [0, 1])
    assert acquire_slots(1, 1, 1) == [0]


def test_slots_are_free_when_the_session_ends(other: OtherSession) -> None:
    other.do(lambda: acquire_slots(1, 4, 4))
    other.close()
    assert acquire_slots(1, 4, 4) == [0, 1, 2, 3]


HOLDER = """
import sys, psycopg2
session = psycopg2.connect(sys.argv[1])
session.autocommit = True
with session.cursor() as cursor:
    for slot in range(4):
        cursor.execute("SELECT pg_try_advisory_lock(1, %s)", [0x51075 + slot])
print("held", flush=True)
sys.stdin.read()
"""


def test_slots_are_free_at_once_when_a_process_is_killed() -> None:
    connection.ensure_connection()
    dsn = connection.connection.dsn
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert acquire_slots(1, 1, 4) == []
        holder.kill()
        holder.wait()
        for _ in range(100):
            if taken := acquire_slots(1, 1, 4):
                break
            threading.Event().wait(0.05)
    assert taken == [0]


def test_held_slots_follow_a_share_that_shrinks_and_grows(other: OtherSession) -> None:
    held = HeldSlots(1)
    held.hold(4, maximum=4)
    assert (len(held), other.do(lambda: acquire_slots(1, 4, 4))) == (4, [])
    held.hold(2, maximum=4)
    assert other.do(lambda: acquire_slots(1, 4, 4)) == [2, 3]
    held.hold(4, maximum=4)
    assert len(held) == 2
    other.do(lambda: release_slots(1, [2, 3]))
    held.hold(4, maximum=4)
    assert len(held) == 4
    held.release()
    assert (len(held), other.do(lambda: acquire_slots(1, 4, 4))) == (0, [0, 1, 2, 3])
