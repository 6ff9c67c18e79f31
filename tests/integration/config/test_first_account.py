"""The first account of an installation, created in the browser by the link that `up` prints."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from config.platform.accounts import actions, first_account
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock

GIVEN = {"full_name": "Dora Dale", "username": "dora", "email": "dora@example.com", "password": "a-long-password"}
NEEDED = "There is no administrator yet."


def link() -> str:
    return first_account.make_link("http://testserver")


def test_the_first_user_creates_an_administrator_and_signs_in(stranger_client: Client) -> None:
    assert NEEDED in stranger_client.get("/accounts/sign-in/").content.decode()
    assert "Create the first account" in stranger_client.get(link()).content.decode()
    answer = stranger_client.post(link(), GIVEN, follow=True)
    assert "The first account is created. Sign in with it." in answer.content.decode()
    assert NEEDED not in answer.content.decode()
    dora = User.objects.get()
    assert (dora.username, dora.full_name, dora.email, dora.role) == (
        "dora",
        "Dora Dale",
        "dora@example.com",
        "administrator",
    )
    assert stranger_client.login(username="dora", password=GIVEN["password"])
    assert AuditEntry.objects.filter(action="added", actor_id=None).count() == 1


def test_the_link_works_once(stranger_client: Client) -> None:
    used = link()
    assert stranger_client.post(used, GIVEN).status_code == 302
    for answer in (stranger_client.get(used), stranger_client.post(used, GIVEN | {"username": "eve"})):
        assert answer["Location"] == reverse("accounts:sign_in")
    assert User.objects.count() == 1


@pytest.mark.parametrize("change", ["another", "late"])
def test_another_link_creates_nothing(stranger_client: Client, change: str) -> None:
    url, moment = link(), clock.now()
    if change == "another":
        url = url.replace("/first/", "/first/x")
    else:
        moment += timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 1)
    with time_machine.travel(moment, tick=False):
        assert "This link is no longer valid." in stranger_client.post(url, GIVEN).content.decode()
    assert not User.objects.exists()


def test_a_weak_password_is_refused(stranger_client: Client) -> None:
    answer = stranger_client.post(link(), GIVEN | {"password": "dora"})
    assert answer.status_code == 422
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_time_one_is_created() -> None:
    def create(name: str) -> bool:
        try:
            first_account.create(username=name, full_name=name, email="", password="a-long-password")
        except actions.NotNow:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(create, ["ann", "ben", "cid", "dee"])) == 1
    assert User.objects.count() == 1
