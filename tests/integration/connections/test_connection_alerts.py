"""Connections that an administrator has to fix open one alert."""

import pytest

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.notifications.models import Condition, Kind
from connections import tasks
from connections.models import Connection, Environment

pytestmark = pytest.mark.django_db


def lasting() -> list[tuple[str, str]]:
    return list(Condition.objects.filter(closed_at=None).order_by("kind").values_list("kind", "subject_name"))


@pytest.fixture
def live(alice: User) -> Connection:
    return Connection.objects.create(
        name="Live account",
        destination_key="campaign_monitor",
        environment=Environment.LIVE,
        export_user=alice,
        export_user_added_at=clock.now(),
    )


def test_it_tells_when_the_service_no_longer_accepts_a_connection(live: Connection) -> None:
    tasks.update_alerts()
    assert lasting() == []
    Connection.objects.update(reconnect_reason="The key was revoked.")
    tasks.update_alerts()
    tasks.update_alerts()
    assert lasting() == [(Kind.RECONNECT, "Live account")]
    assert Condition.objects.get().sentence == "The key was revoked."
    Connection.objects.update(reconnect_reason="")
    tasks.update_alerts()
    assert lasting() == []


def test_it_tells_when_the_export_user_leaves(live: Connection, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    tasks.update_alerts()
    assert lasting() == [(Kind.EXPORT_USER, "Live account")]


def test_it_says_nothing_of_a_connection_that_is_being_set_up(live: Connection) -> None:
    Connection.objects.update(export_user=None, export_user_added_at=None)
    tasks.update_alerts()
    assert lasting() == []


def test_it_forgets_a_connection_that_is_gone(live: Connection) -> None:
    Connection.objects.update(reconnect_reason="The key was revoked.")
    tasks.update_alerts()
    live.delete()
    tasks.update_alerts()
    assert lasting() == []
