"""Refreshes that are due share a commit of the profile store; an error of one does not touch the others."""

from collections.abc import Callable
from typing import Any

import pytest

from config.platform.jobs import leases
from config.platform.jobs.models import JobStatus
from segments import actions, refresh_job, tasks
from segments.models import AttributeType, DataSource, ProfileAttribute, Segment, SegmentRefresh
from segments.store import engine, lake, matching, members
from segments.store.lake import OutOfMemory, Reader, StoreError
from tests.support.profiles import create_attributes, create_profile, members_of

pytestmark = pytest.mark.django_db(transaction=True)

CITIES = ("Turku", "Oulu", "Vaasa")


@pytest.fixture(autouse=True)
def people() -> None:
    source = DataSource.objects.create(name="Shop", key_column="id")
    create_attributes({"city": AttributeType.TEXT, "country": AttributeType.TEXT})
    for city in CITIES:
        create_profile(source, city, {"city": city, "country": "Finland"})


def living_in(city: str, attribute: str = "city") -> dict[str, Any]:
    return {"join": "and", "rules": [{"attribute": attribute, "operator": "is", "value": city}]}


def segment(name: str, rules: dict[str, Any]) -> Segment:
    return actions.create_segment(name=name, rules_tree=rules, by=None, wake_worker=False)


@pytest.fixture
def segments() -> list[Segment]:
    """Each waits for its first refresh."""
    return [segment(city, living_in(city)) for city in CITIES]


def run_first() -> SegmentRefresh | None:
    return refresh_job.run_refresh(SegmentRefresh.objects.order_by("pk")[0].pk)


def results() -> dict[str, str]:
    return dict(SegmentRefresh.objects.values_list("segment__name", "status"))


def commits() -> int:
    with lake.reading() as reader:
        return int(reader.row(f"SELECT count(*) FROM {engine.LAKE}.snapshots()")[0])


def before_matching(monkeypatch: pytest.MonkeyPatch, city: str, act: Callable[[], object]) -> None:
    """Do something each time before the rules of the segment of a city are evaluated."""
    find = matching.find_matching

    def find_after(reader: Reader, conditions: matching.Conditions, rules: list[str]) -> None:
        if any(city in condition for condition in conditions._columns):
            act()
        find(reader, conditions, rules)

    monkeypatch.setattr(matching, "find_matching", find_after)


def test_refreshes_that_are_due_share_a_commit(segments: list[Segment]) -> None:
    before = commits()
    run_first()
    assert commits() == before + 1
    assert results() == dict.fromkeys(CITIES, JobStatus.SUCCESSFUL)
    assert [members_of(each) for each in segments] == [[city] for city in CITIES]


def test_a_group_of_many_profiles_has_few_refreshes(
    segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_job, "GROUP_RESULTS", 2 * len(CITIES) - 1)
    run_first()
    assert sorted(results().values()) == [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.SUCCESSFUL]


def test_a_refresh_that_another_worker_holds_is_left_to_it(segments: list[Segment]) -> None:
    held = leases.claim(SegmentRefresh.objects.get(segment=segments[1]))
    assert held is not None
    run_first()
    assert results() == {
        "Turku": JobStatus.SUCCESSFUL,
        "Oulu": JobStatus.QUEUED,
        "Vaasa": JobStatus.SUCCESSFUL,
    }


def test_a_segment_in_the_rules_of_another_comes_first(segments: list[Segment]) -> None:
    rules = {"join": "and", "rules": [{"segment": segments[0].pk, "operator": "member"}]}
    inside = segment("Inside", rules)
    run_first()
    assert results()["Inside"] == JobStatus.QUEUED
    refresh_job.run_refresh(inside.refreshes.get().pk)
    assert members_of(inside) == ["Turku"]


def test_one_that_waited_for_a_segment_in_its_rules_is_woken(
    segments: list[Segment],
    enqueued: list[tuple[object, ...]],
) -> None:
    """Though the members have not changed: a tick would send its next message only after a lease."""
    rules = {"join": "and", "rules": [{"segment": segments[0].pk, "operator": "member"}]}
    waiting = segment("Inside", rules).refreshes.get()
    run_first()
    assert ("segments.tasks.refresh_segment", waiting.pk) in enqueued


def test_a_tick_sends_no_second_message_while_one_waits(
    segments: list[Segment], enqueued: list[tuple[object, ...]]
) -> None:
    """A message may wait behind long work: with one at every tick, workers would do little else than read them."""
    tasks.enqueue_pending()
    tasks.enqueue_pending()
    assert len(enqueued) == len(set(enqueued)) == len(segments)


def test_a_tick_sends_another_message_once_the_first_has_arrived(
    segments: list[Segment], enqueued: list[tuple[object, ...]]
) -> None:
    """The refresh may have waited for another one."""
    rules = {"join": "and", "rules": [{"segment": segments[0].pk, "operator": "member"}]}
    waiting = segment("Inside", rules).refreshes.get().pk
    tasks.enqueue_pending()
    tasks.refresh_segment(waiting)
    tasks.enqueue_pending()
    assert enqueued.count(("segments.tasks.refresh_segment", waiting)) == 2


def test_rules_that_no_longer_fit_fail_alone(segments: list[Segment]) -> None:
    segment("Country", living_in("Finland", "country"))
    ProfileAttribute.objects.filter(name="country").delete()
    run_first()
    assert results() == dict.fromkeys(CITIES, JobStatus.SUCCESSFUL) | {"Country": JobStatus.FAILED}


def test_one_is_canceled_alone(segments: list[Segment], monkeypatch: pytest.MonkeyPatch) -> None:
    check = leases.HeldLease.check

    def cancel_oulu(lease: leases.HeldLease) -> None:
        if lease._job.segment_id == segments[1].pk:  # type: ignore[attr-defined]
            lease.cancel_requested.set()
        check(lease)

    monkeypatch.setattr(leases.HeldLease, "check", cancel_oulu)
    run_first()
    assert results() == {
        "Turku": JobStatus.SUCCESSFUL,
        "Oulu": JobStatus.CANCELED,
        "Vaasa": JobStatus.SUCCESSFUL,
    }
    assert members_of(segments[2]) == ["Vaasa"]


def test_one_whose_rules_were_edited_meanwhile_is_evaluated_again(
    segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = Segment.objects.filter(pk=segments[0].pk)
    before_matching(monkeypatch, "Turku", lambda: edited.update(rules=living_in("Oulu"), version=9))
    run_first()
    assert [members_of(each) for each in segments] == [["Oulu"], ["Oulu"], ["Vaasa"]]


@pytest.mark.parametrize("city", CITIES)
def test_an_error_of_the_store_fails_only_the_refresh_that_has_it(
    segments: list[Segment], monkeypatch: pytest.MonkeyPatch, city: str
) -> None:
    """The error closes DuckDB: each is evaluated again, alone."""

    def fail() -> None:
        engine.close()
        raise StoreError("InvalidInputException")

    before_matching(monkeypatch, city, fail)
    run_first()
    for due in SegmentRefresh.objects.filter(status=JobStatus.QUEUED):
        refresh_job.run_refresh(due.pk)
    assert results() == dict.fromkeys(CITIES, JobStatus.SUCCESSFUL) | {city: JobStatus.FAILED}
    others = [each for each in segments if each.name != city]
    assert [members_of(each) for each in others] == [[each.name] for each in others]


def test_sets_that_cannot_be_committed_together_are_committed_one_by_one(
    segments: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = members.write_matching
    failed: list[bool] = []

    def fail_first(*args: Any, **kwargs: Any) -> None:
        if not failed:
            failed.append(True)
            raise StoreError("OutOfMemoryException")
        write(*args, **kwargs)

    monkeypatch.setattr(members, "write_matching", fail_first)
    run_first()
    assert results() == dict.fromkeys(CITIES, JobStatus.SUCCESSFUL)
    assert [members_of(each) for each in segments] == [[city] for city in CITIES]


def test_a_commit_that_fails_for_each_fails_all(segments: list[Segment], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise StoreError("InvalidInputException")

    monkeypatch.setattr(members, "write_matching", fail)
    run_first()
    assert results() == dict.fromkeys(CITIES, JobStatus.FAILED)


def test_too_little_memory_is_named(segments: list[Segment], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OutOfMemory

    monkeypatch.setattr(members, "write_matching", fail)
    run_first()
    assert results() == dict.fromkeys(CITIES, JobStatus.FAILED)
    messages = set(SegmentRefresh.objects.values_list("message", flat=True))
    assert all("more memory than PROFILE_STORE_MEMORY_MB allows" in message for message in messages)


def test_one_that_lost_its_lease_changes_nothing(segments: list[Segment], monkeypatch: pytest.MonkeyPatch) -> None:
    overtaken = SegmentRefresh.objects.filter(segment=segments[0])
    before_matching(monkeypatch, "Turku", lambda: overtaken.update(attempt=99))
    assert run_first() is None
    assert results()["Turku"] == JobStatus.PROCESSING
    assert not members_of(segments[0])
    assert members_of(segments[1]) == ["Oulu"]
