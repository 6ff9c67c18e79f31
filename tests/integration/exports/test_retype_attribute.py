"""Change the type of attributes that exports and connections use, or merge them."""

from pathlib import Path

import pytest

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections.destinations.values import by_attribute
from connections.models import Connection, Limits
from exports.actions import runs
from exports.models import Export
from segments.attribute_changes.frame import ChangeRefused, InProgress
from segments.sources.column_plan import ColumnPlan, ColumnType
from tests.integration.exports.conftest import run_to_its_end
from tests.support.attribute_changes import import_file, merge, request_retype, retype, text_plan, values
from tests.support.exports import export_to, segment_of_everyone
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "id,email,points,tracked\n1,ann@example.com,42,yes\n2,ben@example.com,007,no\n3,cid@example.com,12.5,\n"


@pytest.fixture
def to_list(tmp_path: Path, account: RunningSandbox, shared: Connection, bob: User) -> Export:
    """Return an export of the points of three contacts, which were imported as texts."""
    import_file(tmp_path / "a.csv", FILE, plans=text_plan("points", "tracked"))
    return export_to(
        account,
        shared,
        segment_of_everyone(),
        mapping=[{"attribute": "points", "field": "name"}],
        consent=by_attribute("tracked"),
        by=bob,
    )


def sent_again(export: Export, by: User) -> tuple[int, int]:
    """Run an export. Returns how many contacts it sent, and how many were unchanged."""
    run = run_to_its_end(Export.objects.get(pk=export.pk), by)
    assert run.status == JobStatus.SUCCESSFUL
    return run.planned, run.unchanged


@pytest.mark.parametrize("kind", [ColumnType.INTEGER, ColumnType.NUMBER])
def test_the_next_run_sends_only_values_that_differ(to_list: Export, bob: User, kind: ColumnType) -> None:
    assert sent_again(to_list, bob) == (3, 0)
    is_whole = kind is ColumnType.INTEGER
    retype("points", kind, by=bob, accepted=1)
    assert values("points") == [42, 7, None if is_whole else 12.5]
    assert sent_again(to_list, bob) == ((2, 1) if is_whole else (1, 2))
    assert sent_again(to_list, bob) == (0, 3)


def test_numbers_that_become_texts_are_not_sent_again(to_list: Export, bob: User) -> None:
    retype("points", ColumnType.NUMBER, by=bob)
    sent_again(to_list, bob)
    retype("points", ColumnType.TEXT, by=bob)
    assert values("points") == ["42", "007", "12.5"]
    assert sent_again(to_list, bob) == (1, 2)  # 7 is 007 again


def test_numbers_that_become_whole_ones_are_not_sent_again(
    tmp_path: Path, account: RunningSandbox, shared: Connection, bob: User
) -> None:
    plan = ColumnPlan("points", type=ColumnType.NUMBER)
    import_file(tmp_path / "a.csv", FILE, plans=[plan])
    export = export_to(
        account, shared, segment_of_everyone(), mapping=[{"attribute": "points", "field": "name"}], by=bob
    )
    assert sent_again(export, bob) == (3, 0)
    retype("points", ColumnType.INTEGER, by=bob, accepted=1)
    assert sent_again(export, bob) == (1, 2)
    retype("points", ColumnType.TEXT, by=bob)
    assert sent_again(export, bob) == (2, 1)  # 007 and 12.5


@pytest.mark.parametrize(("name", "kind"), [("tracked", ColumnType.INTEGER), ("tracked", ColumnType.LIST)])
def test_what_answers_a_question_keeps_a_type_that_can(
    to_list: Export, bob: User, name: str, kind: ColumnType
) -> None:
    with pytest.raises(ChangeRefused, match=f"“{to_list.name}” cannot use “{name}”") as refused:
        request_retype(name, kind, by=bob, accepted=3)
    assert [usage.name for usage in refused.value.usages] == [to_list.name]
    assert request_retype(name, ColumnType.BOOLEAN, by=bob).pk


def test_what_gives_consent_stays_a_yes_or_no(to_list: Export, shared: Connection, bob: User) -> None:
    retype("tracked", ColumnType.BOOLEAN, by=bob)
    shared.limits = Limits(required_attribute="Tracked", allowed=None).keep()
    shared.save(update_fields=["limits"])
    with pytest.raises(ChangeRefused, match=f"“{shared.name}” cannot use “tracked” with the type Text"):
        request_retype("tracked", ColumnType.TEXT, by=bob)


def test_an_open_run_that_reads_the_attribute_is_named(to_list: Export, bob: User) -> None:
    runs.start_run(to_list, by=bob)
    with pytest.raises(InProgress, match=to_list.name):
        request_retype("points", ColumnType.INTEGER, by=bob, accepted=1)


def test_after_a_merge_exports_send_the_other_attribute(tmp_path: Path, to_list: Export, bob: User) -> None:
    import_file(tmp_path / "b.csv", "id,score\n9,5\n", source="Other")
    sent_again(to_list, bob)
    done = merge("points", "score", by=bob, accepted=1)
    assert (done.status, done.message) == (JobStatus.WARNINGS, "")
    to_list.refresh_from_db()
    assert to_list.mapping == [{"attribute": "score", "field": "name"}]
    assert values("score") == [42, 7, None, 5]
    assert sent_again(to_list, bob) == (2, 1)


@pytest.mark.parametrize(
    ("former", "kind", "expected"),
    [
        (ColumnType.TEXT, ColumnType.NUMBER, (1, 2)),  # 007
        (ColumnType.NUMBER, ColumnType.TEXT, (1, 2)),  # 7 is 007 again
        (ColumnType.NUMBER, ColumnType.INTEGER, (1, 2)),  # 12.5
    ],
)
def test_after_a_merge_into_another_type_only_values_that_differ_are_sent(
    tmp_path: Path, to_list: Export, bob: User, former: ColumnType, kind: ColumnType, expected: tuple[int, int]
) -> None:
    if former is not ColumnType.TEXT:
        retype("points", former, by=bob)
    plan = ColumnPlan("score", type=kind)
    import_file(tmp_path / "b.csv", "id,score\n9,5\n", source="Other", plans=[plan])
    assert sent_again(to_list, bob) == (3, 0)
    merge("points", "score", by=bob, accepted=1)
    assert sent_again(to_list, bob) == expected
    assert sent_again(to_list, bob) == (0, 3)


def test_a_limit_that_allows_only_one_of_both_refuses_a_merge(
    tmp_path: Path, to_list: Export, shared: Connection, bob: User
) -> None:
    import_file(tmp_path / "b.csv", "id,score\n9,5\n", source="Other")
    shared.limits = Limits(withheld=("Score",), allowed=None).keep()
    shared.save(update_fields=["limits"])
    with pytest.raises(ChangeRefused, match=f"“{shared.name}” allow only one of “points” and “score”"):
        merge("points", "score", by=bob, accepted=1)
