"""How many calls to keep in flight."""

from hypothesis import given
from hypothesis import strategies as st

from exports.throttle import Throttle


def test_it_rises_by_one_after_as_many_good_answers_as_calls_in_flight() -> None:
    throttle = Throttle(start=2, maximum=8)
    throttle.went_well()
    assert throttle.level == 2
    throttle.went_well()
    assert throttle.level == 3


def test_it_halves_at_once_on_trouble() -> None:
    throttle = Throttle(start=8, maximum=8)
    throttle.had_trouble()
    assert throttle.level == 4


def test_it_forgets_good_answers_on_trouble() -> None:
    throttle = Throttle(start=4, maximum=8)
    for _ in range(3):
        throttle.went_well()
    throttle.had_trouble()
    throttle.went_well()
    assert throttle.level == 2


@given(st.integers(-3, 40), st.integers(-3, 20), st.lists(st.booleans()))
def test_it_stays_between_one_and_its_maximum(start: int, maximum: int, story: list[bool]) -> None:
    throttle = Throttle(start=start, maximum=maximum)
    for good in story:
        throttle.went_well() if good else throttle.had_trouble()
        assert 1 <= throttle.level <= max(1, maximum)
