"""`manage.py seed_demo`: what a newcomer finds."""

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from config.console.demo import seeding
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from connections.permissions import user_can_use
from connections.policies import ConnectionStatus, status_of
from exports.feedback import campaigns
from exports.models import Campaign, Export, Run
from segments.models import ImportJob, Segment
from tests.support.profiles import profile_count
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(sandbox: RunningSandbox, settings: Settings, tmp_path: Path) -> RunningSandbox:
    settings.DEMO = True
    settings.VAR_DIR = tmp_path
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


def test_it_refuses_where_this_is_not_the_demo(settings: Settings) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="only in the demo"):
        call_command("seed_demo")

    assert not User.objects.exists()


def test_a_newcomer_finds_a_finished_run_with_numbers_that_make_sense(demo: RunningSandbox) -> None:
    call_command("seed_demo", "--wait")

    run = Run.objects.get()
    assert run.status == JobStatus.SUCCESSFUL
    assert profile_count() == 10_000
    newsletter = Segment.objects.get(name="Newsletter readers")
    assert run.members == newsletter.member_count == run.invalid + run.duplicates + run.planned
    assert min(run.invalid, run.duplicates, run.new_people) > 0
    assert run.planned == run.delivered + run.left
    gone = sum(seeding.LEFT_BY_STATE.values())
    assert run.left == gone == run.outcomes.filter(kind="left").count()
    assert run.delivered - run.new_people == seeding.STILL_ACTIVE
    assert str(run.requested_by) == "Alice Admin"
    counts = demo.counts()
    assert counts["Active"] == run.delivered
    assert {state: counts[state] for state in seeding.LEFT_BY_STATE} == seeding.LEFT_BY_STATE
    campaigns.make_missing()
    for reading_id in campaigns.due():
        campaigns.read(reading_id)
    (campaign,) = Campaign.objects.all()
    assert (campaign.name, campaign.recipients, campaign.opened) == ("Autumn news", 296, 131)


def test_the_demo_has_accounts_profiles_and_a_run(demo: RunningSandbox) -> None:
    call_command("seed_demo", "--wait")

    assert {user.username: user.role for user in User.objects.filter(is_demo=True)} == {
        "admin": Role.ADMINISTRATOR,
        "contributor": Role.CONTRIBUTOR,
        "viewer": Role.VIEWER,
    }
    connection = Connection.objects.get()
    assert connection.is_sandbox
    assert status_of(connection) == ConnectionStatus.READY
    assert user_can_use(User.objects.get(username="contributor"), connection)
    assert Segment.objects.filter(refreshed_at__isnull=False, member_count__gt=500).count() == 3
    job = ImportJob.objects.get()
    assert (job.rows_created, job.rows_refused, job.source.name) == (10_000, 0, "Customers")
    someone = demo.people()[0]
    assert {field["Key"] for field in someone["CustomFields"]} <= {"City", "Country", "BirthDate", "Language"}


def test_a_second_time_it_changes_nothing_whatever_people_have_made_of_it(
    demo: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("seed_demo", "--wait")
    Export.objects.all().delete()
    Segment.objects.filter(name="Gold members").update(name="Platinum members")
    entries, received = AuditEntry.objects.count(), demo.requests()["totals"]
    capsys.readouterr()

    call_command("seed_demo", "--wait")

    assert capsys.readouterr().out == "The demo data already exists.\n"
    assert not Export.objects.exists()
    assert AuditEntry.objects.count() == entries
    assert demo.requests()["totals"] == received


def test_a_seeding_that_was_killed_is_begun_again(demo: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_people: object) -> None:
        raise seeding.SandboxAway("killed")

    with monkeypatch.context() as patched:
        patched.setattr(seeding, "add_history", killed)
        with pytest.raises(CommandError):
            call_command("seed_demo", "--wait")

    call_command("seed_demo", "--wait")

    assert Run.objects.get().status == JobStatus.SUCCESSFUL
    assert (profile_count(), Segment.objects.count(), ImportJob.objects.count()) == (10_000, 3, 1)


def test_a_sandbox_that_is_away_is_told_in_a_sentence(demo: RunningSandbox, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:9"

    with pytest.raises(CommandError, match=re.escape("The sandbox at http://127.0.0.1:9 does not respond")):
        call_command("seed_demo", "--wait")
