"""Until when requests may leave: by a clock that runs while the machine sleeps, and by the wall clock."""

import threading
import time

import pytest

from config.platform.jobs import deadline as jobs_deadline
from config.platform.jobs.deadline import LeaseDeadline, Stamp


class Clocks:
    """Both clocks, set by tests."""

    def __init__(self) -> None:
        self.boot, self.wall = 1_000.0, 1_700_000_000.0

    def read(self) -> Stamp:
        return Stamp(self.boot, self.wall)

    def pass_seconds(self, seconds: float) -> None:
        self.boot += seconds
        self.wall += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def deadline(clocks: Clocks, seconds: float = 30) -> LeaseDeadline:
    return LeaseDeadline(clocks.read(), seconds, clocks.read)


@pytest.mark.parametrize(("lease", "last"), [(30, 25), (60, 55), (20, 15), (4, 3), (2, 1.5)])
def test_it_passes_a_margin_before_the_lease_ends(clocks: Clocks, lease: float, last: float) -> None:
    held = deadline(clocks, lease)
    clocks.pass_seconds(last - 0.01)
    assert not held.has_passed()
    clocks.pass_seconds(0.02)
    assert held.has_passed()


def test_it_passes_when_only_the_boot_clock_says_so(clocks: Clocks) -> None:
    held = deadline(clocks)
    clocks.boot += 25
    assert held.has_passed()


def test_it_passes_when_only_the_wall_clock_says_so(clocks: Clocks) -> None:
    held = deadline(clocks)
    clocks.wall += 25
    assert held.has_passed()


def test_it_passes_when_the_wall_clock_stepped_back(clocks: Clocks) -> None:
    held = deadline(clocks)
    clocks.pass_seconds(1)
    clocks.wall -= 2
    assert held.has_passed()


def test_a_confirmed_renewal_counts_from_its_stamp(clocks: Clocks) -> None:
    held = deadline(clocks)
    clocks.pass_seconds(20)
    stamp = clocks.read()
    clocks.pass_seconds(4)  # the database takes its time to confirm
    held.renew(stamp)
    clocks.pass_seconds(20.9)
    assert not held.has_passed()
    clocks.pass_seconds(0.2)
    assert held.has_passed()


def test_it_has_passed_without_a_confirmed_lease(clocks: Clocks) -> None:
    held = LeaseDeadline(None, 30, clocks.read)
    assert held.has_passed()
    held.renew(clocks.read())
    assert not held.has_passed()
    held.end()
    assert held.has_passed()


def test_the_guard_of_a_block_raises_once_its_deadline_has_passed(clocks: Clocks) -> None:
    with jobs_deadline.limited_by(deadline(clocks)):
        check_may_send = jobs_deadline.current_guard()
    check_may_send()
    clocks.pass_seconds(25)
    with pytest.raises(jobs_deadline.LeaseExpired):
        check_may_send()


def test_a_sender_waits_for_a_renewal_that_is_late(clocks: Clocks) -> None:
    held = LeaseDeadline(None, 30, clocks.read, patience_seconds=10)
    threading.Timer(0.05, held.renew, [clocks.read()]).start()
    assert held.may_send()


def test_a_sender_does_not_wait_once_the_lease_is_lost(clocks: Clocks) -> None:
    held = LeaseDeadline(None, 30, clocks.read, patience_seconds=10)
    threading.Timer(0.05, held.end).start()
    started = time.monotonic()
    assert not held.may_send()
    assert time.monotonic() - started < 5


def test_without_a_deadline_everything_may_leave() -> None:
    jobs_deadline.current_guard()()
