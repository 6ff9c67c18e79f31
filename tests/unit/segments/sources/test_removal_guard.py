"""When removals of an import in snapshot mode await confirmation."""

import pytest

from segments.sources.removal_guard import FileComparison, ImportGuard, find_guard


@pytest.mark.parametrize(
    ("leaving", "known", "guard"),
    [
        (0, 0, None),
        (0, 10_000, None),
        (1, 1, ImportGuard.EMPTY),
        (10_000, 10_000, ImportGuard.EMPTY),
        (2, 4, ImportGuard.HALVED),
        (1, 3, None),
        (6_000, 10_000, ImportGuard.HALVED),
        (10, 21, None),
        (11, 54, ImportGuard.MANY),
        (11, 55, None),
        (2_000, 10_000, None),
        (2_113, 10_000, ImportGuard.MANY),
    ],
)
def test_many_removals_await_confirmation(leaving: int, known: int, guard: ImportGuard | None) -> None:
    assert find_guard(FileComparison(leaving, known, rows=known - leaving)) is guard


@pytest.mark.parametrize(
    ("rows", "unreadable", "guard"),
    [
        (1_000, 0, None),
        (1_000, 200, None),
        (1_000, 201, ImportGuard.UNREADABLE),
        (20, 9, None),
        (2, 1, ImportGuard.UNREADABLE),
    ],
)
def test_rows_without_a_readable_key_hold_removals(rows: int, unreadable: int, guard: ImportGuard | None) -> None:
    assert find_guard(FileComparison(300, 3_000, rows, unreadable)) is guard
    assert find_guard(FileComparison(0, 3_000, rows, unreadable)) is None


@pytest.mark.parametrize(("unreadable", "guard"), [(0, None), (2, None), (3, ImportGuard.UNREADABLE)])
def test_as_many_rows_without_a_readable_key_as_leave_hold_removals(
    unreadable: int, guard: ImportGuard | None
) -> None:
    assert find_guard(FileComparison(3, 1_000, 1_000, unreadable)) is guard


def test_rows_within_values_hold_removals() -> None:
    assert find_guard(FileComparison(1, 1_000, 999, has_merged_rows=True)) is ImportGuard.MERGED


@pytest.mark.parametrize(
    ("leaving", "confirmed", "guard"),
    [(2_113, 2_113, None), (2_112, 2_113, None), (2_114, 2_113, ImportGuard.GROWN), (5, 0, ImportGuard.GROWN)],
)
def test_as_many_leave_as_were_confirmed(leaving: int, confirmed: int, guard: ImportGuard | None) -> None:
    found = FileComparison(leaving, 10_000, 7_887, unreadable=7_000, has_merged_rows=True)
    assert find_guard(found, confirmed) is guard


def test_every_profile_leaves_when_that_was_confirmed() -> None:
    assert find_guard(FileComparison(40, 40, 3), confirmed=40) is None
