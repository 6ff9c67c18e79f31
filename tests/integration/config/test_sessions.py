"""Sessions end when they are idle, after some days, and when something of importance changes."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from config.platform.accounts import actions, tasks
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from tests.conftest import PASSWORD
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
    assert "Sign out of all other sessions" in here.get(SECURITY).content.decode()
    page = here.post("/accounts/sessions/end-others/", follow=True)
    assert "You are signed out of all other sessions." in page.content.decode()
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
        "from config import settings as s; "
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.DEVICE_COOKIE_NAME, s.MESSAGE_COOKIE_NAME)"
    )
    known = {**os.environ, "HTTPS": https}
    found = subprocess.run([sys.executable, "-c", program], env=known, capture_output=True, text=True, check=True)
    name = f"{prefix}segment_exports"
    assert found.stdout.split() == [name, f"{name}_csrf", f"{name}_device", f"{name}_messages"]


def sign_in(browser: str) -> Client:
    """Sign in as a person does, in a browser of its own."""
    client = Client(HTTP_USER_AGENT=browser)
    client.post("/accounts/sign-in/", {"username": "alice", "password": PASSWORD})
    assert is_signed_in(client)
    return client


def test_a_person_sees_the_own_sessions_and_ends_one(alice: User) -> None:
    here = sign_in("Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    there = sign_in("Mozilla/5.0 (iPhone) AppleWebKit/605 Version/18 Safari/604")
    elsewhere = sign_in("curl/8")
    page = here.get(SECURITY).content.decode()
    assert "Firefox, Windows" in page
    assert "Safari, iPhone" in page
    found = UserSession.objects.get(user_agent__contains="iPhone")
    assert here.post(f"/accounts/sessions/{found.pk}/end/").status_code == 302
    assert not is_signed_in(there)
    assert is_signed_in(here)
    assert is_signed_in(elsewhere)
    assert "Safari, iPhone" not in here.get(SECURITY).content.decode()
    assert AuditEntry.objects.filter(action="session ended", actor_id=alice.pk).count() == 1


def test_a_person_cannot_end_the_session_of_another(alice: User, bob_client: Client) -> None:
    here = sign_in("Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    found = UserSession.objects.get(user=alice)
    assert bob_client.post(f"/accounts/sessions/{found.pk}/end/").status_code == 404
    assert is_signed_in(here)


def test_signing_out_everywhere_else_leaves_the_current_session_in_the_list(alice: User) -> None:
    here, there = sign_in("Firefox/140.0 Windows"), sign_in("Chrome/150 Linux")
    here.post("/accounts/sessions/end-others/")
    assert not is_signed_in(there)
    assert [session.user_agent for session in UserSession.objects.filter(user=alice)] == ["Firefox/140.0 Windows"]
    assert "This session" in here.get(SECURITY).content.decode()
