"""Commands for several segments of the list: tags, removal, and the download of members as one archive."""

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.tags.texts import MAX_TAGS
from exports.models import Export
from segments import actions, bulk_actions, member_archive, refresh_job
from segments.models import DataSource, Segment
from tests.support.profiles import create_profiles

TAGS, REMOVE, MEMBERS = "/segments/tags/", "/segments/remove/", "/segments/members/"


@pytest.fixture
def segments(db: None) -> list[Segment]:
    tags: list[list[str]] = [["news"], ["News", "VIP"], []]
    return [Segment.objects.create(name=f"Segment {number}", tags=each) for number, each in enumerate(tags)]


def ids(segments: list[Segment]) -> dict[str, list[int]]:
    return {"selected": [each.pk for each in segments]}


def tags(segments: list[Segment]) -> list[list[str]]:
    return [Segment.objects.get(pk=each.pk).tags for each in segments]


def used_by(segment: Segment, name: str = "Newsletter") -> Export:
    export = Export.objects.create(name=name, list_id="a" * 32, email_attribute="email")
    export.segments.add(segment)
    return export


def refer(segment: Segment, to: Segment) -> None:
    segment.rules = {"join": "and", "rules": [{"segment": to.pk, "operator": "member"}]}
    segment.save()


def toast(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# -- tags --------------------------------------------------------------------------------------------------------


def test_tags_are_added_to_and_removed_from_all_that_are_selected(
    bob_client: Client, segments: list[Segment]
) -> None:
    shown = bob_client.get(TAGS, ids(segments)).content.decode()
    for text in ("Tags of 3 segments", "Segment 1", 'value="VIP"', "Tags to remove"):
        assert text in shown
    answer = bob_client.post(TAGS, ids(segments) | {"add": "Spring, spring", "remove": ["VIP"]}, follow=True)
    assert tags(segments) == [["news", "Spring"], ["News", "Spring"], ["Spring"]]
    assert "The tags of 3 segments are changed." in toast(answer)
    entries = AuditEntry.objects.filter(action="edited").order_by("pk")
    assert [entry.changes["tags"] for entry in entries] == [
        ["news", "news, Spring"],
        ["News, VIP", "News, Spring"],
        ["", "Spring"],
    ]


def test_a_segment_that_has_the_tags_already_is_not_changed(bob_client: Client, segments: list[Segment]) -> None:
    bob_client.post(TAGS, ids(segments) | {"add": "NEWS"})
    assert tags(segments) == [["news"], ["News", "VIP"], ["NEWS"]]
    assert [Segment.objects.get(pk=each.pk).version for each in segments] == [1, 1, 2]


def test_segments_that_would_have_too_many_tags_are_named_and_the_others_changed(
    bob_client: Client, segments: list[Segment]
) -> None:
    segments[0].tags = [f"tag {number}" for number in range(MAX_TAGS)]
    segments[0].save()
    answer = bob_client.post(TAGS, ids(segments) | {"add": "Spring"}, follow=True)
    assert [("Spring" in each) for each in tags(segments)] == [False, True, True]
    assert toast(answer) == (
        "The tags of 2 segments are changed. “Segment 0”: A segment can have at most 10 tags."
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Enter a tag to add, or select one to remove."),
        ({"add": "short," + "x" * 41}, f"“{'x' * 41}” is too long. A tag has at most 40 characters."),
        ({"remove": ["not a tag of these"]}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_done_is_said_beside_the_field(
    bob_client: Client, segments: list[Segment], typed: dict[str, Any], said: str
) -> None:
    answer = bob_client.post(TAGS, ids(segments) | typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert tags(segments) == [["news"], ["News", "VIP"], []]


def test_an_open_editor_notices_that_tags_were_changed(bob_client: Client, segments: list[Segment]) -> None:
    typed = {"name": "Segment 0", "version": segments[0].version}
    bob_client.post(TAGS, ids(segments) | {"add": "Spring"})
    assert bob_client.post(f"/segments/{segments[0].pk}/edit/", typed).status_code == 409


# -- refresh, activate, make static ------------------------------------------------------------------------------


def test_segments_that_are_not_refreshed_are_named_and_the_others_refreshed(
    bob_client: Client, segments: list[Segment]
) -> None:
    Segment.objects.filter(pk=segments[1].pk).update(is_active=False)
    answer = bob_client.post("/segments/refresh/", ids(segments), follow=True)
    assert [each.refreshes.count() for each in segments] == [1, 0, 1]
    assert toast(answer) == (
        "2 segments are being refreshed. “Segment 1”: The segment is inactive. Activate it to refresh it."
    )


@pytest.mark.parametrize(
    ("address", "field", "said"),
    [
        ("deactivate", "is_active", "2 segments are now inactive."),
        ("make-static", "is_static", "2 segments are now static."),
    ],
)
def test_a_command_for_several_counts_those_that_it_changed(
    bob_client: Client, segments: list[Segment], address: str, field: str, said: str
) -> None:
    before = field == "is_active"
    Segment.objects.filter(pk=segments[0].pk).update(**{field: not before})
    answer = bob_client.post(f"/segments/{address}/", ids(segments), follow=True)
    assert toast(answer) == said
    assert not Segment.objects.filter(**{field: before}).exists()
    again = bob_client.post(f"/segments/{address}/", ids(segments), follow=True)
    assert toast(again) == "Nothing was changed."


# -- removal -----------------------------------------------------------------------------------------------------


def test_the_dialog_names_what_can_be_removed_and_what_uses_the_others(
    bob_client: Client, segments: list[Segment]
) -> None:
    used_by(segments[0])
    refer(Segment.objects.create(name="Other"), to=segments[1])
    shown = bob_client.get(REMOVE, ids(segments)).content.decode()
    for text in ("Remove 1 segment?", "Segment 2", "2 segments are in use and stay.", "Newsletter", "Other"):
        assert text in shown


def test_those_that_nothing_uses_are_removed_and_the_others_named(
    bob_client: Client, segments: list[Segment]
) -> None:
    used_by(segments[0])
    answer = bob_client.post(REMOVE, ids(segments), follow=True)
    assert [*Segment.objects.all()] == [segments[0]]
    assert toast(answer) == "2 segments are removed. “Segment 0”: The segment is used by: Newsletter."
    assert AuditEntry.objects.filter(action="removed", target_kind="segment").count() == 2


def test_segments_that_refer_to_each_other_are_removed_together(
    bob_client: Client, segments: list[Segment]
) -> None:
    refer(segments[0], to=segments[1])
    refer(segments[1], to=segments[2])
    bob_client.post(REMOVE, ids(segments))
    assert not Segment.objects.exists()


def test_a_segment_stays_while_one_that_refers_to_it_stays(segments: list[Segment], bob: User) -> None:
    refer(segments[0], to=segments[1])
    refer(segments[1], to=segments[2])
    used_by(segments[0])
    result = bulk_actions.remove_segments(segments, by=bob)
    assert (result.changed, Segment.objects.count()) == ([], 3)
    assert [[usage.name for usage in each.usages] for each in result.refused] == [
        ["Newsletter"],
        ["Segment 0"],
        ["Segment 1"],
    ]


def test_the_exclusion_segment_stays(bob_client: Client, segments: list[Segment]) -> None:
    Segment.objects.filter(pk=segments[0].pk).update(is_exclusion=True)
    assert "This is the exclusion segment." in bob_client.get(REMOVE, ids(segments)).content.decode()
    bob_client.post(REMOVE, ids(segments))
    assert [*Segment.objects.all()] == [segments[0]]


def test_there_is_nothing_to_confirm_when_all_are_in_use(bob_client: Client, segments: list[Segment]) -> None:
    for number, segment in enumerate(segments):
        used_by(segment, f"Export {number}")
    shown = bob_client.get(REMOVE, ids(segments)).content.decode()
    assert "Segments in use" in shown
    assert "data-save" not in shown


def test_an_export_that_starts_to_use_a_segment_meanwhile_keeps_it(
    segments: list[Segment], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = bulk_actions.plan_removal

    def then_use(selected: list[Segment]) -> bulk_actions.BulkResult:
        planned = plan(selected)
        used_by(segments[1])
        return planned

    monkeypatch.setattr(bulk_actions, "plan_removal", then_use)
    result = bulk_actions.remove_segments(segments, by=bob)
    assert [each.segment.name for each in result.refused] == ["Segment 1"]
    assert [*Segment.objects.all()] == [segments[1]]


@pytest.mark.parametrize("address", [TAGS, REMOVE])
def test_a_dialog_asks_the_same_number_of_queries_for_many(
    bob_client: Client, address: str, django_assert_max_num_queries: Callable[..., Any], db: None
) -> None:
    many = [Segment.objects.create(name=f"Many {number}", tags=[f"t{number}"]) for number in range(40)]
    for each in many[::2]:
        used_by(each, f"Export {each.pk}")
    refer(many[1], to=many[3])
    with django_assert_max_num_queries(8):
        assert bob_client.get(address, ids(many)).status_code == 200


@pytest.mark.parametrize("address", [TAGS, REMOVE, MEMBERS])
def test_one_that_is_gone_or_none_at_all_is_not_found(
    bob_client: Client, segments: list[Segment], address: str
) -> None:
    assert bob_client.get(address).status_code == 404
    assert bob_client.get(address, {"selected": [segments[0].pk, 999_999]}).status_code == 404


# -- members -----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(shop: DataSource, bob: User) -> list[Segment]:
    """Two refreshed segments whose names are one file name."""
    create_profiles(
        [{"email": f"p{number}@example.com", "points": number} for number in range(3000)], source="Many"
    )
    rules: dict[str, Any] = {"join": "and", "rules": [{"attribute": "points", "operator": ">=", "value": 0}]}
    made = [
        actions.create_segment(name=name, rules_tree=rules, by=bob, wake_worker=False) for name in ("A/B", "a|b")
    ]
    for segment in made:
        refresh_job.run_refresh(segment.refreshes.get().pk)
        segment.refresh_from_db()
    return made


def pieces_of(answer: object) -> list[bytes]:
    return list(cast(Iterator[bytes], cast(StreamingHttpResponse, answer).streaming_content))


def test_members_are_downloaded_as_one_archive_with_a_file_for_each_segment(
    bob_client: Client, two: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_archive, "_PIECE_BYTES", 1000)
    answer = bob_client.get(MEMBERS, ids(two))
    assert answer.headers["Content-Type"] == "application/zip"
    pieces = pieces_of(answer)
    assert len(pieces) > 2
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["A B.csv", "a b (2).csv"]
        for name, segment in zip(archive.namelist(), two, strict=True):
            single = pieces_of(bob_client.get(f"/segments/{segment.pk}/members/"))
            assert archive.read(name) == b"".join(single)
            assert archive.read(name).count(b"\n") == segment.member_count + 1


def test_each_download_is_recorded(bob_client: Client, two: list[Segment]) -> None:
    assert pieces_of(bob_client.get(MEMBERS, ids(two)))
    entries = AuditEntry.objects.filter(action="downloaded", target_kind="segment").order_by("target_id")
    assert [entry.changes["members"] for entry in entries] == [[None, each.member_count] for each in two]


def test_users_who_see_personal_data_masked_download_nothing(
    charlie_client: Client, segments: list[Segment]
) -> None:
    assert charlie_client.get(MEMBERS, ids(segments)).status_code == 403
    assert not AuditEntry.objects.filter(action="downloaded").exists()


def test_viewers_change_nothing(charlie_client: Client, segments: list[Segment]) -> None:
    for address in (TAGS, REMOVE):
        assert charlie_client.get(address, ids(segments)).status_code == 403
        assert charlie_client.post(address, ids(segments) | {"add": "x"}).status_code == 403
    assert (Segment.objects.count(), tags(segments)[2]) == (3, [])
