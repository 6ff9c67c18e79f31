"""What a system refresh does with segments that it does not refresh: inactive ones, static ones, those with a
schedule of their own; and with the exports that send their members."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.console.models import SystemRefresh
from config.console.system_refresh import actions
from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from exports.models import Export
from segments import actions as segment_actions
from segments import refresh
from segments.models import DataSource, Segment
from tests.support import exports, system_refresh
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db
INACTIVE = "The segment is inactive. Activate it to refresh it."
DAILY = {"recurrence": "daily", "zone": "UTC", "times": ["03:00"]}


@pytest.fixture
def shop(tmp_path: Path) -> DataSource:
    return system_refresh.source_of(tmp_path / "shop.csv", "id,email,city\n1,ann@example.com,Turku\n")


@pytest.fixture
def turku(shop: DataSource) -> Segment:
    """Make a segment of everyone in Turku, refreshed once: Ann."""
    made = system_refresh.segment("Turku", attribute="city", operator="is", value="Turku")
    segment_actions.request_refresh(made, by=None, wake_worker=False)
    system_refresh.do_jobs()
    made.refresh_from_db()
    return made


@pytest.fixture
def newsletter(settings: Settings, sandbox: RunningSandbox, turku: Segment, alice: User) -> Export:
    """Turku, to the sandbox."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return exports.export_to(sandbox, exports.sandbox_connection(by=alice), turku)


def refreshed(alice: User, tmp_path: Path) -> SystemRefresh:
    """A system refresh after Ben has moved to Turku, too."""
    (tmp_path / "shop.csv").write_text("id,email,city\n1,ann@example.com,Turku\n2,ben@example.com,Turku\n")
    return system_refresh.do(actions.refresh_all(by=alice, wake_worker=False))


def test_an_inactive_one_is_skipped_with_the_reason_and_not_drawn(
    turku: Segment, alice: User, tmp_path: Path
) -> None:
    segment_actions.deactivate_segment(turku, by=alice)
    step = system_refresh.step(refreshed(alice, tmp_path), "Turku")
    assert (step.status, step.message, step.blocked_by) == (JobStatus.SKIPPED, INACTIVE, None)
    turku.refresh_from_db()
    assert turku.member_count == 1


def test_an_export_of_an_inactive_one_is_skipped_and_says_why(
    newsletter: Export, turku: Segment, alice: User, tmp_path: Path
) -> None:
    segment_actions.deactivate_segment(turku, by=alice)
    refresh = refreshed(alice, tmp_path)
    run = newsletter.runs.get()
    assert (run.status, run.message) == (JobStatus.SKIPPED, f"The segment “Turku”: Skipped. {INACTIVE}")
    assert system_refresh.step(refresh, "Newsletter").blocked_by == system_refresh.step(refresh, "Turku")
    assert Condition.objects.get(closed_at=None).kind == Kind.SKIPPED


def test_an_export_runs_again_once_its_segment_is_active(
    newsletter: Export, turku: Segment, alice: User, tmp_path: Path
) -> None:
    segment_actions.deactivate_segment(turku, by=alice)
    refreshed(alice, tmp_path)
    segment_actions.activate_segment(turku, by=alice)
    system_refresh.do_jobs()
    refreshed(alice, tmp_path)
    assert [run.status for run in newsletter.runs.order_by("number")] == ["skipped", "successful"]
    assert not Condition.objects.filter(closed_at=None).exists()


def test_a_static_one_stays_as_it_is_and_its_export_runs(
    newsletter: Export, turku: Segment, alice: User, tmp_path: Path
) -> None:
    segment_actions.make_static(turku, by=alice)
    refresh = refreshed(alice, tmp_path)
    assert system_refresh.ends(refresh) == {"Shop": "successful", "Newsletter": "successful"}
    assert newsletter.runs.get().delivered == 1


@pytest.mark.parametrize(("is_on", "rule"), [(True, DAILY), (False, None)])
def test_one_with_its_own_schedule_or_none_is_left_alone_and_its_export_runs(
    newsletter: Export, turku: Segment, alice: User, tmp_path: Path, is_on: bool, rule: dict[str, object] | None
) -> None:
    refresh.set_schedule(turku, is_on=is_on, rule=rule, version=0, by=alice)
    system_run = refreshed(alice, tmp_path)
    assert system_refresh.ends(system_run) == {"Shop": "successful", "Newsletter": "successful"}
    assert turku.refreshes.count() == 1
    assert newsletter.runs.get().delivered == 1


def test_an_export_waits_for_one_that_is_being_drawn_by_its_own_schedule(
    newsletter: Export, turku: Segment, alice: User, tmp_path: Path
) -> None:
    refresh.set_schedule(turku, is_on=True, rule=DAILY, version=0, by=alice)
    segment_actions.request_refresh(turku, by=None, wake_worker=False)
    refreshed(alice, tmp_path)
    assert newsletter.runs.get().delivered == 2  # Ben, too
