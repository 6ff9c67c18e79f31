"""Searches of users who see masked personal data are limited and recorded."""

import pytest
from django.core.cache import cache
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from segments import profiles
from segments.models import DataSource
from tests.support.profiles import change_key


@pytest.fixture(autouse=True)
def _empty_cache(db: None) -> None:
    cache.clear()


def test_searches_of_a_viewer_are_limited_and_recorded_without_their_text(
    charlie_client: Client, charlie: User, shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MAX_PER_MINUTE", 3)
    statuses = [charlie_client.get(f"/customers/?q=c{turn}&after=0").status_code for turn in range(8)]
    assert statuses.count(429) >= 2  # a minute may end meanwhile
    entries = AuditEntry.objects.filter(action__in=["customers searched", "search limit reached"])
    assert 2 <= entries.count() <= 4
    assert {entry.actor_id for entry in entries} == {charlie.pk}
    assert all(entry.changes == {} for entry in entries)


def test_a_refused_search_says_to_wait_and_answers_nothing(
    charlie_client: Client, shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MAX_PER_MINUTE", 0)
    response = charlie_client.get("/customers/?q=c1")
    assert response.status_code == 429
    assert "Wait a minute" in response.content.decode()
    assert response.context["list"].rows == []


def test_people_who_see_personal_data_search_without_a_limit(
    bob_client: Client, shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MAX_PER_MINUTE", 0)
    assert bob_client.get("/customers/?q=c1").status_code == 200


def test_turning_pages_is_no_search(
    charlie_client: Client, shop: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MAX_PER_MINUTE", 0)
    assert charlie_client.get("/customers/?after=1").status_code == 200


def test_a_viewer_finds_no_key_that_is_shown_masked(
    bob_client: Client, charlie_client: Client, shop: DataSource
) -> None:
    change_key("C1", "ann@hidden.example")
    rows = {
        client: client.get("/customers/?q=ann@hidden.example").context["list"].rows
        for client in (bob_client, charlie_client)
    }
    assert [len(found) for found in rows.values()] == [1, 0]
