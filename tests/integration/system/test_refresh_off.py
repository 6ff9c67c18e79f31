"""Pages that rely on the system refresh say when it is off, what to do, and who can."""

import pytest
from django.test import Client

from config.console.system_refresh import actions
from config.platform.accounts.models import User
from exports.actions import manage
from exports.actions.run_after import Predecessors, set_run_after
from exports.models import Export
from exports.views.listing import JUST_SAVED
from segments.models import DataSource, Segment

pytestmark = pytest.mark.django_db
PAGES = ["/data/exports/", "/segments/"]


@pytest.fixture(autouse=True)
def newsletter(db: None) -> Export:
    Segment.objects.create(name="Readers")
    return Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")


def switch_on(alice: User) -> None:
    rule = {"recurrence": "daily", "zone": "UTC", "times": ["06:00"]}
    actions.save_schedule(is_on=True, rule=rule, version=actions.load_schedule().version, by=alice)


@pytest.mark.parametrize("page", PAGES)
def test_a_list_says_that_it_is_off_and_who_can_help(page: str, alice_client: Client, bob_client: Client) -> None:
    for_alice, for_bob = (client.get(page).content.decode() for client in (alice_client, bob_client))
    assert "Scheduled refresh is off" in for_alice
    assert 'href="/admin/system/schedule/"' in for_alice
    assert "An administrator can switch it on" in for_bob
    assert 'href="/admin/system/schedule/"' not in for_bob


@pytest.mark.parametrize("page", PAGES)
def test_a_list_says_nothing_of_it_while_it_is_on(page: str, alice: User, bob_client: Client) -> None:
    switch_on(alice)
    assert "Scheduled refresh is off" not in bob_client.get(page).content.decode()


def said_after_saving(client: Client, export: Export) -> str:
    session = client.session
    session[JUST_SAVED] = export.pk
    session.save()
    return client.get("/data/exports/").content.decode()


def test_who_has_saved_an_export_learns_when_it_runs(alice: User, bob_client: Client, newsletter: Export) -> None:
    assert "The export runs when you choose Run. The system refresh is off." in said_after_saving(
        bob_client, newsletter
    )
    switch_on(alice)
    assert "The export runs with every system refresh. The next refresh is due in " in said_after_saving(
        bob_client, newsletter
    )
    rule = {"recurrence": "daily", "zone": "UTC", "times": ["03:00"]}
    manage.set_schedule(newsletter, is_on=True, rule=rule, version=0, by=alice)
    assert "The export runs on its own schedule: Daily at 03:00 (UTC)." in said_after_saving(
        bob_client, newsletter
    )
    manage.set_schedule(newsletter, is_on=False, rule=rule, version=1, by=alice)
    assert "Its schedule is off" in said_after_saving(bob_client, newsletter)


def test_it_names_what_the_export_runs_after(alice: User, bob_client: Client, newsletter: Export) -> None:
    source = DataSource.objects.create(name="Shop", key_column="id")
    newsletter.refresh_from_db()
    set_run_after(newsletter, Predecessors([source]), version=newsletter.version, by=None)
    said = said_after_saving(bob_client, newsletter)
    assert "The export runs after “Shop”. The system refresh is off." in said
    assert "when you choose Run" not in said
    manage.set_schedule(newsletter, is_on=False, rule=None, version=0, by=alice)
    assert "The export runs after “Shop”. Its schedule is off." in said_after_saving(bob_client, newsletter)
