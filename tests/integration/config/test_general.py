"""Admin > System > General: how one reads, and what the installation is called."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from config.console.views.general import formats_preview, time_zones
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.web import formats
from config.platform.web.formats import Formats
from config.platform.web.models import Installation

PAGE = "/admin/system/general/"
PLAIN = {"language": "", "time_zone": "", "date_format": "", "time_format": "", "number_format": ""}


def test_it_answers_in_what_was_chosen(charlie_client: Client, charlie: User) -> None:
    chosen = {"language": "fi", "time_zone": "Europe/Helsinki", "date_format": "Y-m-d", "number_format": ",."}
    assert charlie_client.post(PAGE, PLAIN | chosen)["Location"] == PAGE
    charlie.refresh_from_db()
    assert (charlie.language, charlie.time_zone, charlie.hears_of_troubles) == ("fi", "Europe/Helsinki", False)
    page = charlie_client.get(PAGE).content.decode()
    assert '<html lang="fi"' in page
    assert "1.234.567,89" in page
    assert "EET" in page or "EEST" in page
    assert AuditEntry.objects.get(action="edited").changes["language"] == ["", "fi"]


def test_it_goes_back_to_what_the_browser_has(charlie_client: Client, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(language="pl")
    charlie_client.post(PAGE, PLAIN)
    page = charlie_client.get(PAGE, headers={"Accept-Language": "ro"}).content.decode()
    assert '<html lang="ro"' in page


@pytest.mark.parametrize("field", ["language", "time_zone", "date_format", "number_format"])
def test_it_refuses_what_is_not_offered(charlie_client: Client, field: str) -> None:
    response = charlie_client.post(PAGE, PLAIN | {field: "Nowhere/Land"})
    assert response.status_code == 422
    assert "field--wrong" in response.content.decode()


def test_it_shows_how_it_would_look(charlie_client: Client) -> None:
    asked = PLAIN | {"time_zone": "Asia/Kathmandu", "number_format": ".’"}
    shown = charlie_client.get(f"{PAGE}preview/", asked).content.decode()
    assert "1’234’567.89" in shown
    assert "+0545" in shown
    assert "<html" not in shown


def test_a_preview_of_nonsense_is_that_of_the_language(charlie_client: Client) -> None:
    assert "1,234,567.89" in charlie_client.get(f"{PAGE}preview/", {"language": "xx"}).content.decode()


def test_every_format_writes_a_moment_and_a_number() -> None:
    moment = datetime(2026, 11, 30, 18, 5, 9, tzinfo=UTC)
    written = set()
    for date, _label in formats.DATES[1:]:
        with formats.use_formats(Formats(date=date)):
            written.add(formats.exact(moment))
    assert written == {
        "2026-11-30, 18:05:09 UTC",
        "30.11.2026, 18:05:09 UTC",
        "30/11/2026, 18:05:09 UTC",
        "11/30/2026, 18:05:09 UTC",
        "30 Nov 2026, 18:05:09 UTC",
    }
    for numbers, label in formats.NUMBERS[1:]:
        with formats.use_formats(Formats(numbers=numbers)):
            assert formats.number(1234567.89, 2) == label


def test_it_offers_every_time_zone_under_its_region() -> None:
    offered = dict(time_zones())
    assert ("Europe/Warsaw", "Warsaw") in offered["Europe"]
    assert ("America/Argentina/Buenos_Aires", "Argentina, Buenos Aires") in offered["America"]
    assert formats_preview(PLAIN | {"time_zone": "UTC"})


def test_administrators_name_the_place(alice_client: Client, alice: User) -> None:
    posted = {"environment_name": "Production", "organisation_name": "Example & Sons", "version": "1"}
    assert alice_client.post(f"{PAGE}names/", posted).status_code == 302
    page = alice_client.get("/").content.decode()
    assert '<span class="top-bar__environment">Production</span>' in page
    assert "Example &amp; Sons" in alice_client.get("/admin/system/about/").content.decode()
    entry = AuditEntry.objects.get(target_kind="installation")
    assert entry.changes["environment_name"] == ["", "Production"]
    stale = alice_client.post(f"{PAGE}names/", posted | {"environment_name": "Test"})
    assert stale.status_code == 409
    assert Installation.objects.get().environment_name == "Production"
    overwritten = posted | {"environment_name": "Test", "overwrite_version": "2"}
    assert alice_client.post(f"{PAGE}names/", overwritten).status_code == 302


def test_other_roles_cannot_name_it(bob_client: Client) -> None:
    assert "environment_name" not in bob_client.get(PAGE).content.decode()
    assert bob_client.post(f"{PAGE}names/", {"environment_name": "Mine"}).status_code == 403


def test_about_tells_versions_queues_and_storage(charlie_client: Client) -> None:
    page = charlie_client.get("/admin/system/about/").content.decode()
    for words_of_it in (
        "Django",
        "PostgreSQL",
        "0 pending",
        "Messages waiting",
        "Largest tables",
        "in VAR_DIR",
    ):
        assert words_of_it in page, words_of_it
    assert "django_session" in page or "segments_" in page or "auth" in page
