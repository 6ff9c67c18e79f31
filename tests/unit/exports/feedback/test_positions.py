"""How far back a look at a list reads, and when it has read all."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.destinations.subscribers import ListedState, ListedSubscriber, SubscriberPage
from exports.feedback.positions import Position

NOW = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)
SEEN = "2026-10-25 02:50:00"
LEFT, ACTIVE = ListedState.UNSUBSCRIBED, ListedState.ACTIVE


def page(*since: str, pages: int = 1) -> SubscriberPage:
    return SubscriberPage([ListedSubscriber(f"p{n}@example.com", moment) for n, moment in enumerate(since)], pages)


def seen(minutes_ago: float) -> Position:
    return Position(seen=SEEN, seen_at=(NOW - timedelta(minutes=minutes_ago)).isoformat())


@pytest.mark.parametrize(
    ("listed", "minutes_ago", "since"),
    [
        (LEFT, 0, "2026-10-25 00:50:00"),
        (LEFT, 60, "2026-10-25 01:50:00"),  # the clock of the list may have been set back by an hour since
        (LEFT, 600, SEEN),
        (ACTIVE, 4, "2026-10-25 02:44:00"),
        (ACTIVE, 15, SEEN),
        (LEFT, -600, "2026-10-25 00:50:00"),  # our own clock was set back
    ],
)
def test_it_reads_further_back_the_shorter_ago_the_latest_change_was_read(
    listed: ListedState, minutes_ago: float, since: str
) -> None:
    assert seen(minutes_ago).start(listed, NOW).since == since


@pytest.mark.parametrize(("kept", "since"), [("", "1970-01-01"), ("25 October 2026", "25 October")])
def test_it_reads_all_at_first_and_the_day_where_a_date_cannot_be_read(kept: str, since: str) -> None:
    assert Position(seen=kept).start(LEFT, NOW).since == since


def test_a_look_ends_with_a_page_that_reaches_back_far_enough() -> None:
    first = seen(600).start(LEFT, NOW)
    second = first.after(page("2026-10-25 09:00:00", "2026-10-25 03:00:00", pages=9), NOW)
    assert (second.page, second.newest, second.since) == (2, "2026-10-25 09:00:00", SEEN)
    ended = Position.from_json(second.to_json()).after(page(SEEN, "2026-10-25 02:49:59", pages=9), NOW)
    assert ended == Position(seen="2026-10-25 09:00:00", seen_at=NOW.isoformat())


@pytest.mark.parametrize("last", [page(), page(SEEN), page("2026-10-20 00:00:00", pages=9)])
def test_without_a_change_the_position_stays(last: SubscriberPage) -> None:
    before = seen(30)
    after = before.start(LEFT, NOW).after(last, NOW)
    assert (after.seen, after.seen_at, after.page) == (before.seen, before.seen_at, 0)
