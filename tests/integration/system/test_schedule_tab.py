"""Admin > System > Schedule: off, daily or weekly, up to four times a day, in a time zone."""

from typing import Any

import pytest
from django.test import Client

from config.console.models import SystemSchedule
from config.console.system_refresh import actions
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
PAGE = "/admin/system/schedule/"
TYPED: dict[str, Any] = {
    "version": "0",
    "is_on": "on",
    "recurrence": "weekly",
    "weekdays": ["monday", "friday"],
    "time_1": "18:30",
    "time_2": "06:00",
    "zone": "Europe/Warsaw",
}


def text(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_it_is_off_at_first(alice_client: Client) -> None:
    page = text(alice_client)
    assert "Nothing is refreshed automatically" in page
    assert 'value="06:00"' in page


def test_an_administrator_sets_days_times_and_zone(alice_client: Client) -> None:
    answer = alice_client.post(PAGE, TYPED, follow=True)
    page = answer.content.decode()
    assert "The system refresh is on." in page
    assert "Weekly on Monday and Friday at 06:00 and 18:30 (Europe/Warsaw)" in page
    assert page.count("<li><span><time") == 5
    row = SystemSchedule.objects.get()
    assert (row.is_on, row.version, row.due_at is not None) == (True, 1, True)
    assert row.rule == {
        "recurrence": "weekly",
        "zone": "Europe/Warsaw",
        "times": ["06:00", "18:30"],
        "weekdays": ["monday", "friday"],
    }


def test_the_change_is_in_the_record(alice_client: Client) -> None:
    alice_client.post(PAGE, TYPED)
    entry = AuditEntry.objects.get(target_kind="systemschedule")
    before, after = entry.changes["schedule"]
    assert before == "Off (Daily at 06:00 (UTC))"
    assert after.startswith("Weekly on Monday and Friday")


def test_another_time_is_added_without_saving(alice_client: Client) -> None:
    page = alice_client.post(PAGE, TYPED | {"add_time": "1"}).content.decode()
    assert 'name="time_3"' in page
    assert 'value="18:30"' in page
    assert not actions.load_schedule().is_on
    four = alice_client.post(PAGE, TYPED | {"time_3": "09:00", "add_time": "1"}).content.decode()
    assert 'name="time_4"' in four
    assert "Add time" not in four


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"weekdays": []}, "Choose at least one day of the week."),
        ({"time_1": "", "time_2": ""}, "This field is required."),
        ({"time_2": "18:30"}, "Choose each time once."),
        ({"zone": "Mars/Olympus"}, "Select a valid choice."),
        ({"recurrence": "yearly"}, "Select a valid choice."),
        ({"time_1": "25:00"}, "Enter a valid time."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    alice_client: Client, typed: dict[str, Any], sentence: str
) -> None:
    answer = alice_client.post(PAGE, TYPED | typed)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not actions.load_schedule().is_on


def test_a_faster_user_is_not_overwritten_unseen(alice_client: Client) -> None:
    alice_client.post(PAGE, TYPED)
    answer = alice_client.post(PAGE, TYPED | {"recurrence": "daily"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This item was changed while you were editing." in page
    assert "Alice Adams" in page
    assert SystemSchedule.objects.get().rule["recurrence"] == "weekly"  # type: ignore[index]
    alice_client.post(PAGE, TYPED | {"recurrence": "daily", "overwrite_version": "1"})
    assert SystemSchedule.objects.get().rule["recurrence"] == "daily"  # type: ignore[index]


def test_others_read_it_and_are_told_who_can_change_it(bob_client: Client, alice_client: Client) -> None:
    alice_client.post(PAGE, TYPED)
    page = text(bob_client)
    assert "Weekly on Monday and Friday" in page
    assert "Administrators can change the schedule." in page
    assert "<form method" not in page.split('id="main"')[1]


def test_a_request_made_by_hand_is_refused(bob_client: Client, alice: User) -> None:
    assert bob_client.post(PAGE, TYPED).status_code == 403
    assert not actions.load_schedule().is_on
