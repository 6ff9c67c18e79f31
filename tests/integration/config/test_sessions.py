"""Sessions end when they are idle, after some days, and when something of importance changes."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from config.accounts import actions, tasks
from config.accounts.models import User
from config.jobs import clock
from tests.integration.config.test_second_factor import set_up

SECURITY = "/accounts/security/"


def is_signed_in(client: Client) -> bool:
    return client.get(SECURITY).status_code == 200


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_idle_session_ends(alice: User, settings: Settings) -> None:
    client, idle = client_of(alice), timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    with time_machine.travel(clock.now() + idle - timedelta(minutes=1)):
        assert is_signed_in(client)
    with time_machine.travel(clock.now() + 2 * idle - timedelta(minutes=2)):
        assert is_signed_in(client)
    with time_machine.travel(clock.now() + 3 * idle):
        assert not is_signed_in(client)
    assert not is_signed_in(client)


def test_an_open_page_that_asks_for_news_does_not_keep_a_session(alice: User, settings: Settings) -> None:
    client, idle = client_of(alice), timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    with time_machine.travel(clock.now() + idle - timedelta(minutes=1)):
        client.get("/admin/system/live/", headers={"HX-Request": "true"})
    with time_machine.travel(clock.now() + idle + timedelta(minutes=1)):
        assert not is_signed_in(client)


def test_a_session_ends_after_some_days_however_busy(alice: User, settings: Settings) -> None:
    settings.SESSION_IDLE_MINUTES = 2 * 1440
    client, start = client_of(alice), clock.now()
    for day in range(1, settings.SESSION_DAYS):
        with time_machine.travel(start + timedelta(days=day)):
            assert is_signed_in(client)
    with time_machine.travel(start + timedelta(days=settings.SESSION_DAYS, minutes=1)):
        assert not is_signed_in(client)


def test_activity_is_written_once_a_minute(alice: User) -> None:
    client = client_of(alice)
    before = client.session.items()
    is_signed_in(client)
    assert dict(client.session.items()) == dict(before)


def test_a_deactivated_persons_session_does_not_come_back(alice: User, bob: User) -> None:
    client = client_of(bob)
    actions.deactivate_user(user=bob, by=alice)
    assert not is_signed_in(client)
    actions.activate_user(user=bob, by=alice)
    assert not is_signed_in(client)


def test_setting_up_a_second_factor_ends_other_sessions(alice: User) -> None:
    here, elsewhere = client_of(alice), client_of(alice)
    set_up(here)
    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)


def test_one_signs_out_everywhere_else(alice: User, bob: User) -> None:
    here, elsewhere, other = client_of(alice), client_of(alice), client_of(bob)
    assert "Sign out everywhere else" in here.get(SECURITY).content.decode()
    page = here.post("/accounts/sessions/end-others/", follow=True)
    assert "You are signed out everywhere else." in page.content.decode()
    assert (is_signed_in(here), is_signed_in(elsewhere), is_signed_in(other)) == (True, False, True)


def test_expired_rows_are_cleared_at_night(alice: User, bob: User) -> None:
    client_of(alice)
    Session.objects.update(expire_date=clock.now() - timedelta(days=1))
    client_of(bob)
    tasks.clear_ended()
    assert Session.objects.count() == 1


@pytest.mark.parametrize(("https", "prefix"), [("yes", "__Host-"), ("no", "")])
def test_behind_https_cookies_carry_the_prefix(https: str, prefix: str) -> None:
    program = (
        "from config import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.DEVICE_COOKIE_NAME)"
    )
    known = {**os.environ, "HTTPS": https}
    found = subprocess.run([sys.executable, "-c", program], env=known, capture_output=True, text=True, check=True)
    name = f"{prefix}segment_exports"
    assert found.stdout.split() == [name, f"{name}_csrf", f"{name}_device"]
