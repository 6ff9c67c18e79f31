"""The alert of a list that differs: it tells the exports to this list alone, and ends with what is known of it."""

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.notifications.models import Condition, Kind, Notification
from connections.models import Connection, Environment
from exports.actions import manage
from exports.feedback import drift_alerts
from exports.models import Export, ListComparison, ListState
from tests.support import exports

pytestmark = pytest.mark.django_db(transaction=True)

LIST_ID = "a" * 32


@pytest.fixture
def export(alice: User) -> Export:
    segment, connection = exports.segment_of_everyone(), exports.sandbox_connection(by=alice)
    made = exports.export_to(None, connection, segment, list_id=LIST_ID, by=alice)
    state = ListState.objects.create(account=connection.account, list_id=LIST_ID)
    ListComparison.objects.create(list_state=state, contacts=10, other_state=9)
    return made


def test_exports_to_the_same_id_in_another_account_are_not_told(
    export: Export, alice: User, settings: Settings
) -> None:
    settings.MAIL_CONFIGURED = True
    other = exports.sandbox_connection(by=alice, name="Other")
    Connection.objects.filter(pk=other.pk).update(environment=Environment.LIVE)
    second = exports.export_to(None, other, export.segments.get(), list_id=LIST_ID, name="Second", by=alice)
    Export.objects.filter(pk=export.pk).update(tell_also=["here@example.com"])
    Export.objects.filter(pk=second.pk).update(tell_also=["there@example.com"])
    drift_alerts.update(ListComparison.objects.get())
    told = set(Notification.objects.values_list("recipient", flat=True))
    assert "here@example.com" in told
    assert "there@example.com" not in told


def test_the_alert_closes_with_the_last_export_to_the_list(export: Export, alice: User) -> None:
    drift_alerts.update(ListComparison.objects.get())
    assert Condition.objects.filter(kind=Kind.DRIFT, closed_at=None).exists()
    manage.remove(export, by=alice)
    assert not ListState.objects.exists()
    assert not Condition.objects.filter(closed_at=None).exists()
