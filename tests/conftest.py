"""Fixtures that every tier shares.

The cast: Alice administers, Bob contributes, Charlie only views, Dora is a stranger who has not signed in.
"""

import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client, TransactionTestCase, override_settings
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_django import DjangoAssertNumQueries

from config.celery import app as celery_app
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from segments.store import engine
from tests.support import truncate
from tests.support.environment import TEMPLATE

pytest.register_assert_rewrite("tests.scenarios")
# The time that an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

PASSWORD = "a-long-password"  # of all the cast
_SLOW = ("processes", "browser")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, whatever the random order within each tier."""
    items.sort(key=_tier)


def _tier(item: pytest.Item) -> int:
    if "functional" in item.path.parts:
        return 4
    if "faults" in item.path.parts:
        return 3  # together, since they share their processes
    if any(item.get_closest_marker(name) for name in _SLOW):
        return 2
    return 0 if "unit" in item.path.parts else 1


@pytest.fixture(scope="session", autouse=True)
def _plain_static_files() -> Iterator[None]:
    """Static files under their own names, so that no test needs them collected first."""
    storages = django_settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    django_settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    hasher = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; nothing here is worth guessing
    with override_settings(STORAGES=storages, PASSWORD_HASHERS=hasher):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Test databases are copies of one that is migrated already."""
    if not os.environ.get("TEST_DATABASE_URL"):
        connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """Tests that commit are cleaned up after in a fraction of the time that Django's flush takes."""
    with patch.object(TransactionTestCase, "_fixture_teardown", lambda _case: truncate.empty_database()):
        yield


@pytest.fixture(scope="session", autouse=True)
def _profile_store_is_closed(django_db_setup: None) -> Iterator[None]:
    """The profile store has sessions of its own in the database, which end before it is dropped."""
    yield
    engine.close()


@pytest.fixture(autouse=True)
def _no_language_is_left() -> None:
    """A request activates its language for the thread, which then has it in the next test too."""
    translation.activate(django_settings.LANGUAGE_CODE)


def _person(username: str, full_name: str, role: Role) -> User:
    user = User.objects.create_user(username, PASSWORD, role=role, email=f"{username}@example.com")
    user.full_name = full_name
    user.save(update_fields=["full_name"])
    return user


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The messages that are enqueued, each as the name of a task and its arguments; none is sent."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(celery_app, "send_task", lambda task, arguments, **_: sent.append((task, *arguments)))
    return sent


@pytest.fixture
def django_assert_max_num_queries(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> DjangoAssertNumQueries:
    """Count queries with the profile store open, as it is in a process that has served a page."""
    engine.connect()
    return django_assert_max_num_queries


@pytest.fixture
def django_assert_num_queries(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> DjangoAssertNumQueries:
    """Count queries with the profile store open, as it is in a process that has served a page."""
    engine.connect()
    return django_assert_num_queries


@pytest.fixture
def alice(db: None) -> User:
    """The administrator."""
    return _person("alice", "Alice Adams", Role.ADMINISTRATOR)


@pytest.fixture
def bob(db: None) -> User:
    """The contributor."""
    return _person("bob", "Bob Brown", Role.CONTRIBUTOR)


@pytest.fixture
def charlie(db: None) -> User:
    """The viewer."""
    return _person("charlie", "Charlie Clark", Role.VIEWER)


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice_client(alice: User) -> Client:
    return _signed_in(alice)


@pytest.fixture
def bob_client(bob: User) -> Client:
    return _signed_in(bob)


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    return _signed_in(charlie)


@pytest.fixture
def stranger_client(db: None) -> Client:
    """Dora: not signed in."""
    return Client()
