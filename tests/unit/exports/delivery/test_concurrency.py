"""How many calls to keep in flight."""

from hypothesis import given
from hypothesis import strategies as st

from exports.delivery.concurrency import AdaptiveConcurrency


class Vendor:
    """A vendor that answers calls in flight together, ``most`` at a time and no faster."""

    def __init__(self, throttle: AdaptiveConcurrency, *, most: int, seconds: float = 1.0) -> None:
        self.throttle = throttle
        self.now = 0.0
        self._most = most
        self._seconds = seconds

    def answer(self, calls: int) -> None:
        """So many good answers, evenly spread."""
        for _ in range(calls):
            self.now += self._seconds / min(self.throttle.level, self._most)
            self.throttle.on_success(self.now)

    def refuse(self, *, sent_at: float | None = None) -> None:
        self.throttle.on_error(self.now, sent_at=self.now if sent_at is None else sent_at)


def test_it_rises_while_every_call_more_brings_more() -> None:
    throttle = AdaptiveConcurrency(start=4, maximum=8)
    Vendor(throttle, most=100).answer(80)
    assert throttle.level == 8


def test_it_steps_back_where_one_call_more_brings_nothing() -> None:
    throttle = AdaptiveConcurrency(start=2, maximum=16)
    vendor = Vendor(throttle, most=5)
    seen = set()
    for _ in range(60):
        vendor.answer(1)
        seen.add(throttle.level)
    assert max(seen) == 6
    assert throttle.level == 5


def test_it_tries_again_later_whether_one_call_more_pays() -> None:
    throttle = AdaptiveConcurrency(start=4, maximum=5)
    vendor = Vendor(throttle, most=4)
    vendor.answer(30)
    assert throttle.level == 4
    vendor = Vendor(throttle, most=5)
    vendor.answer(150)
    assert throttle.level == 5


def test_it_halves_at_once_on_trouble() -> None:
    throttle = AdaptiveConcurrency(start=8, maximum=8)
    Vendor(throttle, most=8).refuse()
    assert throttle.level == 4


def test_it_halves_once_for_calls_that_went_out_together() -> None:
    throttle = AdaptiveConcurrency(start=8, maximum=8)
    vendor = Vendor(throttle, most=8)
    vendor.answer(1)
    for _ in range(8):
        vendor.refuse(sent_at=0.0)
    assert throttle.level == 4


def test_it_climbs_back_quickly_after_one_mishap() -> None:
    throttle = AdaptiveConcurrency(start=8, maximum=8)
    vendor = Vendor(throttle, most=8)
    vendor.refuse()
    vendor.answer(12)
    assert throttle.level == 8


def test_it_stays_low_under_lasting_trouble() -> None:
    throttle = AdaptiveConcurrency(start=16, maximum=16)
    vendor = Vendor(throttle, most=16)
    for _ in range(30):
        vendor.answer(2)
        vendor.refuse()
    assert throttle.level == 1


def test_it_obeys_a_lowered_maximum_at_once() -> None:
    throttle = AdaptiveConcurrency(start=8, maximum=8)
    throttle.limit(3)
    assert throttle.level == 3


@given(st.integers(-3, 40), st.integers(-3, 20), st.lists(st.tuples(st.booleans(), st.floats(0, 2))))
def test_it_stays_between_one_and_its_maximum(start: int, maximum: int, story: list[tuple[bool, float]]) -> None:
    throttle, now = AdaptiveConcurrency(start=start, maximum=maximum), 0.0
    for good, seconds in story:
        now += seconds
        throttle.on_success(now) if good else throttle.on_error(now, sent_at=now)
        assert 1 <= throttle.level <= max(1, maximum)
