"""Home and Admin > System."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Export, Run


def make_run(name: str, status: JobStatus, **values: int) -> Run:
    export = Export.objects.create(name=name, list_id="a" * 32, email_attribute="email")
    return Run.objects.create(
        export=export, number=1, trigger="manual", status=status, finished_at=clock.now(), **values
    )


def test_it_answers_three_questions(charlie_client: Client) -> None:
    page = charlie_client.get("/").content.decode()
    assert "Welcome, Charlie Clark" in page
    for question in ("What happened", "Needs attention", "What is next"):
        assert f">{question}</h2>" in page
    assert "No runs yet." in page


def test_it_leads_to_runs_that_need_a_person(bob_client: Client) -> None:
    failed = make_run("Newsletter", JobStatus.FAILED)
    make_run("VIP", JobStatus.SUCCESSFUL, delivered=12_345, planned=12_345)
    page = bob_client.get("/").content.decode()
    assert "“Newsletter”: Failed (permanent)" in page
    assert f'href="/data/runs/{failed.pk}/"' in page
    assert "“VIP”: Successful" not in page
    assert "12,345" in page


def test_it_forgets_a_failure_when_a_later_run_went_well(bob_client: Client) -> None:
    failed = make_run("Newsletter", JobStatus.FAILED)
    Run.objects.create(
        export=failed.export, number=2, trigger="manual", status=JobStatus.SUCCESSFUL, finished_at=clock.now()
    )
    assert "“Newsletter”: Failed (permanent)" not in bob_client.get("/").content.decode()


def test_it_tells_of_connections_to_administrators_alone(alice_client: Client, bob_client: Client) -> None:
    Connection.objects.create(name="Live account", destination_key="campaign_monitor")
    assert "“Live account”: Not connected" in alice_client.get("/").content.decode()
    assert "Live account" not in bob_client.get("/").content.decode()


def test_system_tells_which_parts_are_up(charlie_client: Client) -> None:
    page = charlie_client.get("/admin/system/").content.decode()
    assert "OK." in page
    assert "No process is running." in page
    fragment = charlie_client.get("/admin/system/health/").content.decode().strip()
    assert fragment.startswith('<div id="parts"')


@pytest.mark.parametrize("entry", ["/admin/connections/", "/admin/permissions/"])
def test_the_navigation_shows_what_one_may_see(alice_client: Client, charlie_client: Client, entry: str) -> None:
    assert f'href="{entry}"' in alice_client.get("/").content.decode()
    assert f'href="{entry}"' not in charlie_client.get("/").content.decode()


def test_every_page_of_the_manual_opens(charlie_client: Client, charlie: User) -> None:
    from config.console.help_pages import PAGES

    for page, title in PAGES.items():
        text = charlie_client.get(f"/help/{page}/").content.decode()
        assert f"<h1>{title}</h1>" in text
        assert len(text) > 3000
    assert charlie_client.get("/help/nothing/").status_code == 404
