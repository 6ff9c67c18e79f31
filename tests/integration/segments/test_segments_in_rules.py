"""Rules that refer to other segments: their checks, circles, descriptions, and refreshes in the right order."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from segments import actions, refresh_job, segment_rules
from segments.models import Segment, SegmentRefresh
from segments.rules.tree import InvalidRules
from segments.store import engine, matching
from tests.support.profiles import change_profile, create_profiles, members_of

pytestmark = pytest.mark.django_db

TURKU = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}


def member_of(segment: Segment, operator: str = "member") -> dict[str, Any]:
    return {"join": "and", "rules": [{"segment": segment.pk, "operator": operator}]}


def create(name: str, rules: dict[str, Any], by: User) -> Segment:
    return actions.create_segment(name=name, rules_tree=rules, by=by, wake_worker=False)


def change_rules(segment: Segment, rules: dict[str, Any], by: User) -> None:
    actions.edit_segment(
        segment, version=segment.version, name=segment.name, rules_tree=rules, by=by, wake_worker=False
    )


def refresh_all() -> None:
    """Run open refreshes until none is left, as workers and the tick do."""
    for _round in range(20):
        jobs = SegmentRefresh.objects.filter(status__in=["queued", "processing"]).order_by("-pk")
        if not jobs:
            return
        for job in jobs:
            refresh_job.run_refresh(job.pk)
    raise AssertionError("refreshes never end")


@pytest.fixture
def locals_(db: None, bob: User) -> Segment:
    create_profiles([{"id": "A", "city": "Turku"}, {"id": "B", "city": "Turku"}, {"id": "C", "city": "Oulu"}])
    return create("Locals", TURKU, bob)


def test_members_of_another_segment_match(locals_: Segment, bob: User) -> None:
    inside, outside = create("In", member_of(locals_), bob), create("Out", member_of(locals_, "not_member"), bob)
    refresh_all()
    assert (members_of(inside), members_of(outside)) == (["A", "B"], ["C"])


def test_a_segment_is_refreshed_after_those_in_its_rules(locals_: Segment, bob: User) -> None:
    inside = create("In", member_of(locals_), bob)
    job = SegmentRefresh.objects.get(segment=inside)
    assert refresh_job.run_refresh(job.pk) is None
    job.refresh_from_db()
    assert job.is_open
    refresh_all()
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESSFUL


def test_new_members_refresh_the_segments_that_refer_to_them(locals_: Segment, bob: User) -> None:
    inside = create("In", member_of(locals_), bob)
    refresh_all()
    change_profile("C", city="Turku")
    actions.request_refresh(locals_, by=bob, wake_worker=False)
    refresh_all()
    assert members_of(inside) == ["A", "B", "C"]


def test_the_same_members_refresh_no_other_segment(locals_: Segment, bob: User) -> None:
    create("In", member_of(locals_), bob)
    refresh_all()
    before = SegmentRefresh.objects.count()
    actions.request_refresh(locals_, by=bob, wake_worker=False)
    refresh_all()
    assert SegmentRefresh.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_members_that_change_while_a_segment_is_evaluated_are_read_again(
    locals_: Segment, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = create("In", member_of(locals_), bob)
    refresh_all()
    find = matching.find_matching

    def change() -> None:
        change_profile("C", city="Turku")
        refresh_job.run_refresh(actions.request_refresh(locals_, by=bob, wake_worker=False).pk)
        engine.close()
        connection.close()

    def find_then_change(*args: Any) -> None:
        find(*args)
        monkeypatch.setattr(matching, "find_matching", find)
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(30)

    monkeypatch.setattr(matching, "find_matching", find_then_change)
    refresh_job.run_refresh(actions.request_refresh(inside, by=bob, wake_worker=False).pk)
    assert members_of(inside) == ["A", "B", "C"]


def test_a_circle_is_refused_with_its_path(locals_: Segment, bob: User) -> None:
    inside = create("In", member_of(locals_), bob)
    with pytest.raises(InvalidRules, match="Locals → In → Locals"):
        change_rules(locals_, member_of(inside), bob)
    with pytest.raises(InvalidRules, match="Locals → Locals"):
        change_rules(locals_, member_of(locals_), bob)


@pytest.mark.django_db(transaction=True)
def test_two_users_cannot_make_a_circle_together(bob: User) -> None:
    one, other = create("One", {}, bob), create("Other", {}, bob)
    failures: list[str] = []

    def refer(segment: Segment, to: Segment) -> None:
        try:
            change_rules(segment, member_of(to), bob)
        except InvalidRules as invalid:
            failures.append(str(invalid))
        finally:
            connection.close()

    threads = [threading.Thread(target=refer, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(failures) == 1


def test_a_segment_that_does_not_exist_is_refused(db: None, bob: User) -> None:
    rules = {"join": "and", "rules": [{"segment": 999_999, "operator": "member"}]}
    with pytest.raises(InvalidRules, match="There is no segment"):
        create("In", rules, bob)


def test_rules_are_described_with_the_names_of_segments(locals_: Segment, bob: User) -> None:
    assert segment_rules.describe(member_of(locals_, "not_member")) == "is not a member of “Locals”"


def test_a_segment_in_rules_cannot_be_removed(locals_: Segment, bob: User, bob_client: Client) -> None:
    inside = create("In", member_of(locals_), bob)
    with pytest.raises(actions.SegmentInUse, match="In"):
        actions.remove_segment(locals_, by=bob)
    assert f'href="/segments/{inside.pk}/"' in bob_client.get(f"/segments/{locals_.pk}/").content.decode()
    actions.remove_segment(inside, by=bob)
    actions.remove_segment(locals_, by=bob)
