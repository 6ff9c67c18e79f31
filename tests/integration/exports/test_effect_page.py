"""The effect of changes in the export pane, shown before they are saved."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from exports.models import Export, Run
from tests.support.exports import export_to, sandbox_connection, segment_of_everyone
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def export(sandbox: RunningSandbox, settings: Settings) -> Export:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    create_profiles({"email": f"p{number}@example.com", "country": "Finland"} for number in range(5))
    few = {"join": "and", "rules": [{"attribute": "email", "operator": "is", "value": "p1@example.com"}]}
    segment_of_everyone("All")
    return export_to(sandbox, sandbox_connection(sandbox), segment_of_everyone("Few", few))


@pytest.fixture
def client() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_user("bob", "a-long-password", role=Role.CONTRIBUTOR))
    return browser


def pane(export: Export, **changed: object) -> dict[str, object]:
    """What the pane posts."""
    return {
        "name": export.name,
        "connection": export.connection_id,
        "list_id": export.list_id,
        "email_attribute": "email",
        "segments": [segment.pk for segment in export.segments.all()],
        "question_consent_to_track": "unchanged",
        "removal": "leave",
        "control_mode": "off",
        "version": export.version,
        "then": "effect",
    } | changed


def shown(text: str) -> list[tuple[str, ...]]:
    """The rows of the table: label, before, after."""
    rows = re.findall(r'<th scope="row">(.*?)</th>\s*<td[^>]*>(.*?)</td>\s*<td[^>]*>(.*?)</td>', text, re.DOTALL)
    return [tuple(re.sub(r"<[^>]+>", "", cell).strip() for cell in row) for row in rows]


def test_it_shows_the_next_run_before_and_after_and_saves_nothing(client: Client, export: Export) -> None:
    everyone = segment_of_everyone("All")
    answer = client.post(reverse("exports:edit", args=[export.pk]), pane(export, segments=[everyone.pk]))
    assert answer.status_code == 302, answer.content.decode()

    for _reload in range(2):
        page = client.get(answer["Location"])
        assert page.status_code == 200
        rows = shown(page.content.decode())
        assert ("Contacts to add", "1", "5") in rows
        assert ("Requests", "1", "1") in rows
    export.refresh_from_db()
    assert [segment.name for segment in export.segments.all()] == ["Few"]
    assert not Run.objects.exists()


def test_the_changes_are_saved_from_there(client: Client, export: Export) -> None:
    changes = pane(export, segments=[segment_of_everyone("All").pk], name="Renamed")
    address = client.post(reverse("exports:edit", args=[export.pk]), changes)["Location"]

    saved = client.post(address)
    assert saved["Location"] == reverse("exports:list")
    export.refresh_from_db()
    assert (export.name, [segment.name for segment in export.segments.all()]) == ("Renamed", ["All"])
    assert client.post(address).status_code == 409  # saved already, by another version


def test_back_to_editing_keeps_what_was_typed(client: Client, export: Export) -> None:
    edit = reverse("exports:edit", args=[export.pk])
    address = client.post(edit, pane(export, name="Renamed"))["Location"]
    page = client.get(address).content.decode()
    assert "Your changes affect no contacts." in page
    back = re.search(r'href="([^"]*\?change=[^"]*)"', page)
    assert back is not None
    assert 'value="Renamed"' in client.get(back[1]).content.decode()


def test_changes_of_others_are_not_shown(client: Client, export: Export) -> None:
    address = client.post(reverse("exports:edit", args=[export.pk]), pane(export))["Location"]
    other = Client()
    other.force_login(User.objects.create_user("carol", "a-long-password", role=Role.CONTRIBUTOR))
    assert other.get(address)["Location"] == reverse("exports:edit", args=[export.pk])


def test_what_is_invalid_is_said_in_the_pane(client: Client, export: Export) -> None:
    answer = client.post(reverse("exports:edit", args=[export.pk]), pane(export, name=""))
    assert answer.status_code == 422
