"""Segments and pushed profiles over the API."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from config.platform.accounts.models import User
from config.platform.api.models import IdempotencyKey
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments import tasks
from segments.models import DataSource, ImportJob, ProfileAttribute, PushedBatch, PushSnapshot, Segment
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.sources.push import ended, merge
from tests.support import exports
from tests.support.api import ApiClient, client_of
from tests.support.profiles import all_profiles, create_profiles

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE = {
    "name": "Shop",
    "key_columns": ["id"],
    "attributes": [
        {"name": "id", "type": "text"},
        {"name": "email", "type": "text"},
        {"name": "age", "type": "integer"},
        {"name": "spent", "type": "number"},
        {"name": "vip", "type": "boolean"},
        {"name": "born", "type": "date"},
        {"name": "seen", "type": "datetime"},
        {"name": "tags", "type": "list"},
    ],
}
ANN = {
    "id": "1",
    "email": "Ann@example.com",
    "age": 41,
    "spent": 12.5,
    "vip": True,
    "born": "1985-02-28",
    "seen": "2026-01-31T12:00:00+02:00",
    "tags": ["a", 'b "c", d'],
}


@pytest.fixture
def client(bob: User, enqueued: list[Any]) -> ApiClient:
    return client_of(bob)


@pytest.fixture
def source(client: ApiClient) -> DataSource:
    response = client.post("sources", SOURCE)
    assert response.status_code == 201
    return DataSource.objects.get(pk=response.json()["id"])


def push(client: ApiClient, source: DataSource, *profiles: object, **more: object) -> Any:
    response = client.post(f"sources/{source.pk}/profiles", {"profiles": list(profiles), **more})
    assert response.status_code == 202, response.content
    return response.json()


def stored() -> dict[str, dict[str, Any]]:
    return {each.key: dict(each.attributes) for each in all_profiles()}


def test_pushed_profiles_are_merged_with_their_types(client: ApiClient, source: DataSource) -> None:
    answer = push(client, source, ANN, {"id": "2", "email": "ben@example.com"})
    assert answer == {"accepted": 2, "rejected": 0, "errors": []}
    tasks.merge_pushed(source.pk)
    found = stored()
    assert found["1"]["age"] == 41
    assert found["1"]["spent"] == 12.5
    assert found["1"]["vip"] is True
    assert found["1"]["born"] == "1985-02-28"
    assert str(found["1"]["seen"]).startswith("2026-01-31")
    assert found["1"]["tags"] == ANN["tags"]
    assert "age" not in found["2"]
    assert not PushedBatch.objects.exists()
    source.refresh_from_db()
    assert source.profile_count == 2
    assert source.path == ""
    assert client.get(f"sources/{source.pk}").json()["last_status"] == "successful"


def test_a_profile_replaces_the_one_with_its_key_and_the_last_counts(
    client: ApiClient, source: DataSource
) -> None:
    push(client, source, ANN)
    push(client, source, {"id": "1", "age": 1}, {"id": "1", "age": 42})
    tasks.merge_pushed(source.pk)
    push(client, source, {"id": "1", "email": "new@example.com"})
    tasks.merge_pushed(source.pk)
    assert stored() == {"1": {"id": "1", "email": "new@example.com"}}
    assert ImportJob.objects.order_by("pk")[0].status == JobStatus.SUCCESSFUL


def test_rows_that_do_not_fit_are_rejected_one_by_one_without_their_values(
    client: ApiClient, source: DataSource
) -> None:
    wrong: list[Any] = [
        7,
        {"email": "secret@example.com"},
        {"id": "  "},
        {"id": "x" * 201},
        {"id": "a\tb"},
        {"id": "1", "age": "41"},
        {"id": "1", "age": True},
        {"id": "1", "age": 2**63},
        {"id": "1", "vip": 1},
        {"id": "1", "born": "2026-02-30"},
        {"id": "1", "seen": "2026-01-31T12:00:00"},
        {"id": "1", "seen": "0001-01-01T00:00:00+14:00"},
        {"id": "1", "tags": "a"},
        {"id": "1", "tags": [1]},
        {"id": "1", "email": "secret\0@example.com"},
        {"id": "1", "unknown": "secret"},
        {"id": 1},
    ]
    answer = push(client, source, *wrong, ANN)
    assert (answer["accepted"], answer["rejected"]) == (1, len(wrong))
    assert [each["index"] for each in answer["errors"]] == list(range(len(wrong)))
    assert answer["errors"][5]["attribute"] == "age"
    assert answer["errors"][15]["attribute"] == "unknown"
    assert "secret" not in json.dumps(answer)
    tasks.merge_pushed(source.pk)
    assert list(stored()) == ["1"]


def test_odd_texts_arrive_as_they_were_pushed(client: ApiClient, source: DataSource) -> None:
    odd = {"2": 'a "b", c', "3": "two\nlines", "4": "=1+1", "5": "łódź 成都", "6": "N/A", "7": "1e5"}
    push(client, source, *({"id": key, "email": text} for key, text in odd.items()))
    tasks.merge_pushed(source.pk)
    assert {key: each["email"] for key, each in stored().items()} == odd


def test_a_push_wakes_a_worker_once_and_the_tick_finds_what_was_lost(
    client: ApiClient, source: DataSource, enqueued: list[Any]
) -> None:
    push(client, source, ANN)
    push(client, source, ANN)
    assert enqueued.count((merge.TASK, source.pk)) == 1
    assert merge.sources_to_merge() == [source.pk]
    tasks.merge_pushed(source.pk)
    assert merge.sources_to_merge() == []


def test_a_snapshot_lets_those_leave_that_are_not_in_it(client: ApiClient, source: DataSource) -> None:
    push(client, source, *({"id": str(n)} for n in range(10)))
    tasks.merge_pushed(source.pk)
    snapshot = client.post(f"sources/{source.pk}/snapshots").json()["id"]
    push(client, source, *({"id": str(n)} for n in range(5)), snapshot_id=snapshot)
    push(client, source, *({"id": str(n)} for n in range(5, 9)), snapshot_id=snapshot)
    assert merge.sources_to_merge() == []
    finish = f"sources/{source.pk}/snapshots/{snapshot}/finish"
    assert client.post(finish, {"profiles": 8}).status_code == 409
    response = client.post(finish, {"profiles": 9})
    assert response.status_code == 202
    tasks.import_file(response.json()["id"])
    found = client.get(f"imports/{response.json()['id']}").json()
    assert (found["status"], found["profiles_removed"]) == ("successful", 1)
    assert set(stored()) == {str(n) for n in range(9)}
    assert client.post(finish, {"profiles": 9}).status_code == 409
    late = client.post(f"sources/{source.pk}/profiles", {"profiles": [ANN], "snapshot_id": snapshot})
    assert late.status_code == 409


def test_a_guard_holds_a_snapshot_that_would_remove_too_many(client: ApiClient, source: DataSource) -> None:
    push(client, source, *({"id": str(n)} for n in range(10)))
    tasks.merge_pushed(source.pk)
    snapshot = client.post(f"sources/{source.pk}/snapshots").json()["id"]
    push(client, source, {"id": "1"}, snapshot_id=snapshot)
    job_id = client.post(f"sources/{source.pk}/snapshots/{snapshot}/finish", {"profiles": 1}).json()["id"]
    tasks.import_file(job_id)
    assert client.get(f"imports/{job_id}").json()["status"] == "needs_confirmation"
    ended.conclude_all_ended()
    assert PushedBatch.objects.filter(job=job_id).exists(), "the import needs them again once it is confirmed"
    assert len(stored()) == 10


def test_an_abandoned_snapshot_is_deleted(client: ApiClient, source: DataSource) -> None:
    snapshot = client.post(f"sources/{source.pk}/snapshots").json()["id"]
    push(client, source, ANN, snapshot_id=snapshot)
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        ended.conclude_all_ended()
    assert not PushSnapshot.objects.exists()
    assert not PushedBatch.objects.exists()


def test_an_erasure_reaches_the_inbox(client: ApiClient, source: DataSource, alice: User) -> None:
    push(client, source, ANN)
    tasks.merge_pushed(source.pk)
    push(client, source, ANN | {"age": 42}, {"id": "2", "email": "ANN@example.com"}, {"id": "3"})
    (profile,) = all_profiles()
    erase.erase(profile, scope=Scope.ADDRESS, by=alice)
    assert [batch.keys for batch in PushedBatch.objects.all()] == [["3"]]
    tasks.merge_pushed(source.pk)
    assert list(stored()) == ["3"]


def test_only_those_who_manage_data_sources_push(charlie: User, bob: User, source: DataSource) -> None:
    url = f"sources/{source.pk}/profiles"
    assert client_of(charlie).post(url, {"profiles": [ANN]}).status_code == 403
    assert client_of(bob, scopes=["read", "exports"]).post(url, {"profiles": [ANN]}).status_code == 403
    assert client_of(charlie).post("sources", SOURCE).status_code == 403
    assert client_of(charlie).get(f"sources/{source.pk}").status_code == 200


def test_those_who_may_not_push_do_not_learn_which_sources_there_are(charlie: User, source: DataSource) -> None:
    for path in ("profiles", "snapshots", "snapshots/1/finish"):
        body = {"profiles": [ANN]} if path == "profiles" else {"profiles": 1}
        for pk in (source.pk, source.pk + 1):
            assert client_of(charlie).post(f"sources/{pk}/{path}", body).status_code == 403


def test_profiles_are_not_pushed_to_other_sources(client: ApiClient) -> None:
    other = create_profiles([{"email": "ann@example.com"}])
    response = client.post(f"sources/{other.pk}/profiles", {"profiles": [{"email": "x"}]})
    assert response.status_code == 409
    assert client.post(f"sources/{other.pk}/snapshots").status_code == 409


def test_a_source_cannot_give_an_attribute_another_type(client: ApiClient, source: DataSource) -> None:
    push(client, source, ANN)
    tasks.merge_pushed(source.pk)
    assert ProfileAttribute.objects.get(name="age").data_type == "integer"
    attributes = [{"name": "id", "type": "text"}, {"name": "Age", "type": "text"}]
    response = client.post("sources", {"name": "Other", "key_columns": ["id"], "attributes": attributes})
    assert response.status_code == 409
    assert client.post("sources", SOURCE).status_code == 409


def test_a_huge_body_is_refused(client: ApiClient, source: DataSource) -> None:
    body = {"profiles": [{"id": "x" * 1000}] * 11_000}
    assert client.post(f"sources/{source.pk}/profiles", body).status_code == 413


def test_segments_are_created_counted_and_read(client: ApiClient, bob: User) -> None:
    create_profiles([{"city": "Oslo", "email": "ann@example.com"}, {"city": "Turku"}])
    rules = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Oslo"}]}
    assert client.post("segments/count", {"rules": rules}).json() == {"count": 1}
    body = {"name": "Oslo", "rules": rules, "tags": ["north"]}
    response = client.post("segments", body)
    assert response.status_code == 201
    segment_id = response.json()["id"]
    assert client.post("segments", body).status_code == 409
    assert client.post(f"segments/{segment_id}/refresh").status_code == 202
    tasks.refresh_segment(Segment.objects.get().refreshes.get().pk)
    assert client.get(f"segments/{segment_id}").json()["member_count"] == 1
    (line,) = client.get(f"segments/{segment_id}/members").getvalue().splitlines()
    assert json.loads(line)["attributes"]["email"] == "ann@example.com"
    assert AuditEntry.objects.get(action="downloaded").actor_id == bob.pk
    assert len(client.get("segments", {"tag": "north"}).json()["items"]) == 1
    assert client.get("segments", {"tag": "south"}).json()["items"] == []


def test_rules_that_cannot_be_used_are_a_conflict(client: ApiClient) -> None:
    deep: dict[str, Any] = {}
    for _level in range(300):
        deep = {"rules": [deep]}
    for rules in ({"rules": [{"attribute": "nothing"}]}, {"join": "\0"}, {"rules": 7}, {"join": "xor"}, deep):
        response = client.post("segments", {"name": "Odd", "rules": rules})
        assert (response.status_code, response.json()["code"]) == (409, "invalid_rules")
        assert client.post("segments/count", {"rules": rules}).status_code == 409


def test_a_number_of_more_than_64_bits_is_refused(client: ApiClient) -> None:
    rules = '{"rules": [{"attribute": "points", "operator": "is", "value": 99999999999999999999999}]}'
    response = client.post("segments", {"name": "Odd", "rules": json.loads(rules)})
    assert response.json()["detail"] == "Numbers in rules have at most 64 bits. Write larger ones as texts."
    Segment.objects.create(name="Older", rules=json.loads(rules))
    assert client.get("segments").json()["items"][0]["rules"] == json.loads(rules)


def test_a_text_with_a_backslash_is_no_nul_character(client: ApiClient) -> None:
    create_profiles([{"city": "Oslo"}])
    rules = {"rules": [{"attribute": "city", "operator": "is", "value": "\\u0000"}]}
    assert client.post("segments/count", {"rules": rules}).json() == {"count": 0}
    for odd in ({"rules": [], "a\0": 1}, {"rules": [{"attribute": "city", "operator": "is", "value": "a\0"}]}):
        response = client.post("segments", {"name": "Odd", "rules": odd})
        assert response.json()["detail"] == "Rules contain no NUL character."


def test_a_repeated_creation_shows_the_present_token_what_it_may_see(bob: User, enqueued: list[Any]) -> None:
    create_profiles([{"email": "ann@example.com"}])
    rules = {"rules": [{"attribute": "email", "operator": "is", "value": "ann@example.com"}]}
    body, header = {"name": "Ann", "rules": rules}, {"Idempotency-Key": "1"}
    assert client_of(bob).post("segments", body, **header).json()["rules"] == rules
    again = client_of(bob, scopes=["segments"]).post("segments", body, **header)
    assert (again.status_code, again.json()["rules"]) == (201, None)
    assert "ann@example.com" not in str(list(IdempotencyKey.objects.values()))
    Segment.objects.all().delete()
    gone = client_of(bob).post("segments", body, **header)
    assert (gone.status_code, gone.json()["code"]) == (409, "removed")


def test_viewers_see_no_rules_and_no_members(charlie: User) -> None:
    create_profiles([{"email": "ann@example.com"}])
    rules = {"rules": [{"attribute": "email", "operator": "is", "value": "ann@example.com"}]}
    segment = exports.segment_of_everyone(rules=rules)
    client = client_of(charlie)
    assert client.get(f"segments/{segment.pk}").json()["rules"] is None
    assert client.get(f"segments/{segment.pk}/members").status_code == 403
    assert client.post("segments/count", {"rules": rules}).status_code == 403
