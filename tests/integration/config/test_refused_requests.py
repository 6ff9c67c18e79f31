"""Refused requests are recorded with the person."""

from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.web import middleware


def test_a_refused_request_is_recorded_with_person_and_path_but_not_with_its_query(
    charlie_client: Client, charlie: User
) -> None:
    path = reverse("accounts:add_user")
    assert charlie_client.get(path, {"q": "ann@example.com"}, REMOTE_ADDR="192.0.2.7").status_code == 403
    entry = AuditEntry.objects.get(action="access refused")
    assert (entry.actor_id, entry.from_address) == (charlie.pk, "192.0.2.7")
    assert entry.changes == {"request": [None, f"GET {path}"]}


def test_strangers_are_led_to_the_sign_in_and_nothing_is_recorded(db: None) -> None:
    Client().get(reverse("accounts:add_user"))
    assert not AuditEntry.objects.filter(action="access refused").exists()


def test_many_refusals_in_a_minute_do_not_flood_the_record(charlie_client: Client, charlie: User) -> None:
    cache.clear()
    for _time in range(middleware.MOST_PER_MINUTE + 5):
        charlie_client.post(reverse("accounts:add_user"))
    recorded = AuditEntry.objects.filter(action="access refused").count()
    assert middleware.MOST_PER_MINUTE <= recorded <= middleware.MOST_PER_MINUTE + 4  # a minute may end meanwhile
