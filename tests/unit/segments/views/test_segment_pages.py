"""Points of the chart of members."""

from datetime import date, timedelta

import pytest

from segments.views import segment_pages


def test_points_stand_by_day_from_left_to_right_and_by_count_from_bottom_to_top() -> None:
    day = date(2026, 1, 1)
    points = segment_pages.trend_points([(day, 10), (day + timedelta(days=1), 20), (day + timedelta(days=10), 15)])
    assert points[0].x < points[1].x < points[2].x
    assert points[0].y > points[2].y > points[1].y
    assert points[2].x - points[1].x == pytest.approx(9 * (points[1].x - points[0].x))


def test_a_level_trend_is_a_level_line() -> None:
    day = date(2026, 1, 1)
    assert len({point.y for point in segment_pages.trend_points([(day, 4), (day + timedelta(days=1), 4)])}) == 1
