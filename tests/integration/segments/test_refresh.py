"""A refresh finds exactly the profiles that match the rules, and exports read them."""

import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from config.platform.web.versions import StaleEdit
from segments import actions, audience, hooks, refresh_job
from segments.audience import EmailQuality
from segments.models import AttributeType, DataSource, ProfileAttribute, Segment, SegmentRefresh
from segments.rules import tree as rules_tree
from segments.store import matching
from segments.store.lake import Reader
from segments.store.matching import Conditions
from tests.support.profiles import (
    change_profile,
    create_attributes,
    create_profile,
    get_profile,
    member_count,
    members_of,
    profile_count,
)

pytestmark = pytest.mark.django_db

FINNS: dict[str, Any] = {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": "Finland"}]}


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    source = DataSource.objects.create(name="Shop", key_column="id")
    create_attributes({"email": AttributeType.TEXT, "country": AttributeType.TEXT})
    people = [
        ("1", " Aino@Example.com", "Finland"),
        ("2", "aino@example.com", "Finland"),
        ("3", "broken@", "Finland"),
        ("4", None, "Finland"),
        ("5", "zofia@example.com", "Poland"),
    ]
    for key, email, country in people:
        attributes = {"country": country} | ({"email": email} if email else {})
        create_profile(source, key, attributes)


def segment(tree: dict[str, Any] = FINNS, name: str = "Finns") -> Segment:
    return actions.create_segment(name=name, rules_tree=tree, by=None, wake_worker=False)


def refreshed(segment: Segment) -> SegmentRefresh:
    job = refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
    assert job is not None
    segment.refresh_from_db()
    return job


def test_a_refresh_finds_the_profiles_that_match_the_rules() -> None:
    finns = segment()
    job = refreshed(finns)
    assert (job.status, job.added, job.removed) == (JobStatus.SUCCESSFUL, 4, 0)
    assert members_of(finns) == ["1", "2", "3", "4"]
    assert finns.member_count == 4
    assert finns.refreshed_at is not None


def test_it_writes_only_the_difference() -> None:
    finns = segment()
    refreshed(finns)
    change_profile("1", country="Poland")
    change_profile("5", country="Finland")
    job = refreshed(finns)
    assert (job.added, job.removed, finns.member_count) == (1, 1, 4)
    assert members_of(finns) == ["2", "3", "4", "5"]


def test_without_rules_everyone_is_in() -> None:
    everyone = segment({}, "Everyone")
    refreshed(everyone)
    assert everyone.member_count == 5


def test_other_segments_stay_as_they_are() -> None:
    everyone, finns = segment({}, "Everyone"), segment()
    refreshed(everyone)
    refreshed(finns)
    assert len(members_of(everyone)) == 5


def test_it_counts_without_a_refresh() -> None:
    assert matching.count_rules(FINNS).total == 4
    assert not member_count()


def test_a_rule_that_no_longer_fits_fails_with_a_sentence() -> None:
    finns = segment()
    ProfileAttribute.objects.filter(name="country").delete()
    job = refreshed(finns)
    assert job.status == JobStatus.FAILED
    assert "no attribute “country”" in job.message


def test_rules_edited_meanwhile_are_evaluated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    finns = segment()
    find_matching = matching.find_matching
    seen: list[str] = []

    def edit_meanwhile(reader: Reader, conditions: Conditions, rules: list[str]) -> None:
        seen.extend(rules)
        find_matching(reader, conditions, rules)
        Segment.objects.filter(pk=finns.pk, version=1).update(rules={}, version=2)

    monkeypatch.setattr(matching, "find_matching", edit_meanwhile)
    refreshed(finns)
    assert len(seen) == 2
    assert finns.member_count == 5


def test_without_profiles_the_count_is_zero() -> None:
    DataSource.objects.all().delete()
    assert matching.count_rules(FINNS).total == 0


def test_one_request_at_a_time() -> None:
    finns = segment()
    first = actions.request_refresh(finns, by=None, wake_worker=False)
    assert actions.request_refresh(finns, by=None, wake_worker=False) == first


def test_one_that_woke_too_late_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    finns = segment()
    job = SegmentRefresh.objects.get(segment=finns)
    find_matching = matching.find_matching

    def be_overtaken(*args: Any) -> None:
        find_matching(*args)
        SegmentRefresh.objects.filter(pk=job.pk).update(attempt=99)

    monkeypatch.setattr(matching, "find_matching", be_overtaken)
    with caplog.at_level(logging.WARNING):
        assert refresh_job.run_refresh(job.pk) is None
    assert not member_count()


def test_the_reading_door_tells_quality() -> None:
    finns, everyone = segment(), segment({}, "Everyone")
    refreshed(finns)
    refreshed(everyone)
    assert audience.email_quality("email", [finns.pk]) == EmailQuality(members=4, filled=3, valid=2, unique=1)
    assert audience.email_quality("email", [finns.pk, everyone.pk]) == EmailQuality(5, 4, 3, 2)
    assert audience.email_quality("shoe", [finns.pk]) == EmailQuality(4, 0, 0, 0)
    assert audience.email_quality("email", []) == EmailQuality(0, 0, 0, 0)


def test_the_reading_door_tells_segments_attributes_and_people() -> None:
    refreshed(segment())
    segment({}, "everyone")
    assert [(s.name, s.member_count, s.refreshed_at is None) for s in audience.segment_summaries()] == [
        ("everyone", 0, True),
        ("Finns", 4, False),
    ]
    assert [a.name for a in audience.attributes()] == ["country", "email"]
    profile = get_profile("1")
    found = audience.find_profile(profile.id)
    assert found is not None
    assert (found.key, found.source_name, found.attributes["country"]) == ("1", "Shop", "Finland")
    assert audience.find_profile(0) is None


def test_an_edit_is_recorded_and_queues_a_refresh(bob: User) -> None:
    finns = segment()
    refreshed(finns)
    edited = actions.edit_segment(finns, version=1, name="Poles", rules_tree={}, by=bob, wake_worker=False)
    assert (edited.version, edited.name) == (2, "Poles")
    assert SegmentRefresh.objects.filter(segment=finns, status=JobStatus.QUEUED).exists()
    entry = AuditEntry.objects.latest("id")
    assert (entry.actor_name, entry.version) == ("Bob Brown", 2)
    assert entry.changes["rule"] == ["country is “Finland”", "All customers"]


def test_a_new_name_alone_starts_no_refresh() -> None:
    finns = segment()
    refreshed(finns)
    actions.edit_segment(finns, version=1, name="People of Finland", rules_tree=FINNS, by=None, wake_worker=False)
    assert not SegmentRefresh.objects.filter(status=JobStatus.QUEUED).exists()


def test_it_refuses_a_stale_edit(bob: User) -> None:
    finns = segment()
    actions.edit_segment(finns, version=1, name="Poles", rules_tree=FINNS, by=None, wake_worker=False)
    with pytest.raises(StaleEdit):
        actions.edit_segment(finns, version=1, name="Danes", rules_tree=FINNS, by=bob, wake_worker=False)


def test_it_refuses_rules_that_mean_nothing() -> None:
    with pytest.raises(rules_tree.InvalidRules):
        segment({"rules": [{"attribute": "shoe", "operator": "is", "value": "red"}]})
    assert not Segment.objects.exists()


def test_it_refuses_to_remove_what_is_used(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    finns = segment()
    monkeypatch.setattr(hooks.segment_users, "usages", lambda _: [hooks.Usage("Export", "Newsletter", "/x/")])
    with pytest.raises(actions.SegmentInUse, match="Newsletter"):
        actions.remove_segment(finns, by=bob)
    monkeypatch.setattr(hooks.segment_users, "usages", lambda _: [])
    refreshed(finns)
    actions.remove_segment(finns, by=bob)
    assert not Segment.objects.exists()
    assert not member_count()
    assert profile_count() == 5


def test_it_refuses_a_viewer(charlie: User) -> None:
    finns = segment()
    with pytest.raises(PermissionDenied):
        actions.create_segment(name="x", rules_tree={}, by=charlie)
    with pytest.raises(PermissionDenied):
        actions.edit_segment(finns, version=1, name="x", rules_tree={}, by=charlie)
    with pytest.raises(PermissionDenied):
        actions.remove_segment(finns, by=charlie)
    with pytest.raises(PermissionDenied):
        actions.request_refresh(finns, by=charlie)


def test_the_command_refreshes_all_or_the_named_segments(capsys: pytest.CaptureFixture[str]) -> None:
    segment()
    segment({}, "Everyone")
    call_command("refresh_segments")
    assert capsys.readouterr().out.splitlines() == [
        "Everyone: 5 members (5 added, 0 removed)",
        "Finns: 4 members (4 added, 0 removed)",
    ]
    call_command("refresh_segments", "FINNS")
    assert capsys.readouterr().out == "Finns: 4 members (0 added, 0 removed)\n"


def test_the_command_says_what_failed() -> None:
    segment()
    ProfileAttribute.objects.all().delete()
    with pytest.raises(CommandError, match="Finns"):
        call_command("refresh_segments")
    with pytest.raises(CommandError, match="no segment “Danes”"):
        call_command("refresh_segments", "Danes")
