"""The cache in Redis holds JSON, so that a program that can write to Redis can run no code in our processes."""

import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import redis
from django.core.cache import cache, caches
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.cache import in_redis
from config.platform.jobs import heartbeat
from connections import lookups
from connections.models import Connection
from tests.support import exports
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process
from tests.support.workers import redis_server

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def redis_url(settings: Settings, tmp_path: Path) -> Iterator[str]:
    with redis_server(tmp_path) as url:
        settings.CACHES = {"default": in_redis(url)}
        yield url
        caches.close_all()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("evil",)


def test_a_pickle_in_redis_is_not_loaded(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with redis.Redis.from_url(redis_url) as client:
        client.set(cache.make_key("stored"), pickle.dumps(Evil()))
    with pytest.raises(ValueError):
        cache.get("stored")
    assert not (tmp_path / "evil").exists()


def test_counters_and_texts_come_back(redis_url: str) -> None:
    cache.add("calls", 0, timeout=120)
    assert [cache.incr("calls") for _ in range(3)] == [1, 2, 3]
    cache.set_many({"text": "Łódź", "nothing": None, "yes": True, "times": [1.5, 2]})
    assert cache.get_many(["text", "nothing", "yes", "times"]) == {
        "text": "Łódź",
        "nothing": None,
        "yes": True,
        "times": [1.5, 2],
    }


def test_heartbeats_come_back() -> None:
    heartbeat.write("jobs", "jobs@one")
    heartbeat.write("jobs", "jobs@two")
    assert [(each.node, each.is_alive) for each in heartbeat.known("jobs")] == [
        ("jobs@one", True),
        ("jobs@two", True),
    ]
    heartbeat.forget("jobs", "jobs@one")
    assert [each.node for each in heartbeat.known("jobs")] == ["jobs@two"]


@pytest.fixture
def connection(settings: Settings, sandbox: RunningSandbox, alice: User) -> Connection:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return exports.sandbox_connection(by=alice)


def test_lists_and_their_fields_come_back_as_the_destination_gave_them(connection: Connection) -> None:
    (first,) = lookups.lists_of(connection).found
    details = lookups.look_up(connection, first.list_id).details
    assert list(lookups.lists_of(connection).found) == [first]
    kept = lookups.look_up_at_once(connection, first.list_id)
    assert kept is not None
    assert kept.details is not None
    assert details is not None
    assert json.dumps(asdict(kept.details)) == json.dumps(asdict(details))


def test_the_page_about_the_system_shows_the_stored_sizes_again(alice_client: Client) -> None:
    address = reverse("system:about")
    assert alice_client.get(address).status_code == alice_client.get(address).status_code == 200
