"""A second factor can be required: users without one set it up before anything else."""

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.web.models import Installation
from tests.integration.config.test_second_factor import SET_UP, set_up


@pytest.mark.parametrize(
    ("who", "alice_is_led", "bob_is_led"),
    [("NONE", False, False), ("ADMINISTRATORS", True, False), ("EVERYONE", True, True)],
)
def test_people_are_led_to_the_setup(
    alice_client: Client, bob_client: Client, settings: Settings, who: str, alice_is_led: bool, bob_is_led: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED_OF = who
    for client, is_led in ((alice_client, alice_is_led), (bob_client, bob_is_led)):
        answer = client.get("/data/exports/")
        assert (answer.get("Location") == SET_UP) is is_led


def test_it_can_be_set_up_and_then_everything_opens(alice_client: Client, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED_OF = "EVERYONE"
    assert alice_client.post("/accounts/password/")["Location"] == SET_UP
    set_up(alice_client)
    assert alice_client.get("/").status_code == 200
    assert Client().get("/healthz").status_code == 200


def test_a_session_by_single_sign_on_is_exempt(bob_client: Client, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED_OF = "EVERYONE"
    session = bob_client.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": 0}]
    session["account_authentication_methods_user"] = str(session["_auth_user_id"])
    session.save()
    assert bob_client.get("/").status_code == 200


def test_an_administrator_requires_it_in_a_page(alice_client: Client, bob_client: Client, alice: User) -> None:
    setting = {"organisation_name": "", "environment_name": "", "version": "1"}
    answer = alice_client.post("/admin/system/general/names/", setting | {"second_factor_required_of": "EVERYONE"})
    assert answer.status_code == 302
    assert bob_client.get("/data/exports/")["Location"] == SET_UP
    changes = AuditEntry.objects.get(target_kind="installation").changes
    assert changes == {"second_factor_required_of": ["", "EVERYONE"]}


def test_the_page_cannot_require_less_than_the_environment(alice_client: Client, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED_OF = "ADMINISTRATORS"
    Installation.objects.create(pk=1, second_factor_required_of="")
    assert alice_client.get("/data/exports/")["Location"] == SET_UP
