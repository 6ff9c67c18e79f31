"""Progress details: the steps of a job, the workflow around it, and stopping it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from config.console.models import RefreshStep, SystemRefresh
from config.console.system_refresh import actions, engine
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Run, Stage, Trigger
from segments import actions as segment_actions
from segments.models import DataSource, ImportJob, SegmentRefresh
from segments.sources import actions as sources_actions
from tests.support import exports, system_refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path) -> DataSource:
    return system_refresh.source_of(tmp_path / "shop.csv", "id,city\n1,Turku\n")


@pytest.fixture
def refresh(shop: DataSource, alice: User) -> SystemRefresh:
    """Over the shop and everyone; its first look is done."""
    system_refresh.segment("Everyone")
    asked_for = actions.refresh_all(by=alice, wake_worker=False)
    engine.advance(asked_for.pk)
    return asked_for


def details(client: Client, kind: str, pk: int, query: str = "") -> str:
    answer = client.get(f"/admin/system/progress/{kind}/{pk}/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_an_import_tells_its_steps_with_counts(charlie_client: Client, shop: DataSource) -> None:
    page = details(charlie_client, "data_source", shop.imports.get().pk)
    assert "Read file" in page
    assert "1 created, 0 updated, 0 unchanged, 0 rejected" in page
    assert "Cancel job" not in page
    assert "data-live" not in page.split('id="progress-live"')[1][:200]


def test_each_step_of_an_import_tells_how_long_it_took(charlie_client: Client, shop: DataSource) -> None:
    job = shop.imports.get()
    began = job.created_at
    ImportJob.objects.update(
        started_at=began, read_at=began + timedelta(seconds=12), finished_at=began + timedelta(seconds=45)
    )
    tree = details(charlie_client, "data_source", job.pk).split('class="tree"')[1]
    assert "1 rows · 12 s" in tree
    assert "0 rejected · 33 s" in tree


def run_that_ended(after_seconds: int, **moments: int) -> Run:
    """A run, and when it came to what: in seconds after its start."""
    export = exports.export_to(None, exports.sandbox_connection(), system_refresh.segment("Everyone"), list_id="a")
    began = clock.now() - timedelta(minutes=5)
    moments["finished_at"] = after_seconds
    return Run.objects.create(
        export=export,
        number=1,
        trigger=Trigger.MANUAL,
        status=JobStatus.SUCCESSFUL,
        stage=Stage.COMPLETE,
        started_at=began,
        **{name: began + timedelta(seconds=seconds) for name, seconds in moments.items()},
    )


def test_each_stage_of_a_run_tells_how_long_it_took(charlie_client: Client) -> None:
    run = run_that_ended(77, checked_at=11, planned_at=33)
    tree = details(charlie_client, "export", run.pk).split('class="tree"')[1]
    page = charlie_client.get(f"/data/runs/{run.pk}/").content.decode()
    for told in ("11 s", "22 s", "44 s"):
        assert told in tree
        assert f'<span class="stage__time">{told}</span>' in page


def test_how_long_a_stage_took_is_not_guessed(charlie_client: Client) -> None:
    """A run from before it was noted when a run is checked."""
    run = run_that_ended(77)
    tree = details(charlie_client, "export", run.pk).split('class="tree"')[1]
    assert "1 min 17 s" not in tree


def test_a_stage_of_the_workflow_tells_how_long_all_of_it_took(
    charlie_client: Client, refresh: SystemRefresh
) -> None:
    system_refresh.do(refresh)
    began = refresh.created_at
    ImportJob.objects.update(started_at=began)
    refresh.steps.filter(kind="data_source").update(finished_at=began + timedelta(seconds=50))
    assert "1 of 1 · 50 s" in details(charlie_client, "system", refresh.pk)


def test_an_error_is_shown_where_it_happened(charlie_client: Client, shop: DataSource) -> None:
    Path(shop.path).unlink()
    job = sources_actions.refresh_data_source(shop, by=None, wake_worker=False)
    system_refresh.do_jobs()
    page = details(charlie_client, "data_source", job.pk)
    assert "The file cannot be read" in page
    assert "Failed (permanent)" in page


def test_the_entire_workflow_shows_what_the_job_is_part_of(charlie_client: Client, refresh: SystemRefresh) -> None:
    job = system_refresh.step(refresh, "Shop").import_job
    assert job is not None
    page = details(charlie_client, "data_source", job.pk)
    assert 'aria-checked="false"' in page
    assert "Everyone" not in page
    page = details(charlie_client, "data_source", job.pk, "?workflow=on")
    assert 'aria-checked="true"' in page
    assert "Everyone" in page
    assert page.index('aria-current="true"') < page.index("Everyone")


def test_a_job_that_was_asked_for_by_itself_has_no_workflow(charlie_client: Client, shop: DataSource) -> None:
    assert "entire workflow" not in details(charlie_client, "data_source", shop.imports.get().pk)


def test_what_is_queued_says_what_it_waits_for(charlie_client: Client, refresh: SystemRefresh) -> None:
    assert "Waiting for: Shop." in details(charlie_client, "system", refresh.pk)
    system_refresh.do(refresh)
    assert "Waits for" not in details(charlie_client, "system", refresh.pk)


def test_what_is_skipped_leads_to_what_is_to_blame(charlie_client: Client, refresh: SystemRefresh) -> None:
    shop = system_refresh.step(refresh, "Shop")
    assert shop.import_job is not None
    ImportJob.objects.filter(pk=shop.import_job.pk).update(
        status=JobStatus.FAILED, message="It broke.", finished_at=refresh.created_at
    )
    system_refresh.do(refresh)
    page = details(charlie_client, "system", refresh.pk)
    assert "The data source “Shop”: Failed (permanent)." in page
    assert f'href="/admin/system/progress/data_source/{shop.import_job.pk}/"' in page
    assert "It broke." in page
    skipped = system_refresh.step(refresh, "Everyone").segment_refresh
    assert skipped is not None
    page = details(charlie_client, "segment", skipped.pk)
    assert f'href="/admin/system/progress/data_source/{shop.import_job.pk}/">See why</a>' in page


def test_the_page_of_a_skipped_run_leads_to_what_is_to_blame(
    charlie_client: Client, shop: DataSource, alice: User
) -> None:
    export = exports.export_to(None, exports.sandbox_connection(), system_refresh.segment("Everyone"), list_id="a")
    refresh = actions.refresh_all(by=alice, wake_worker=False)
    engine.advance(refresh.pk)
    job = system_refresh.step(refresh, "Shop").import_job
    assert job is not None
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.FAILED, finished_at=refresh.created_at)
    system_refresh.do(refresh)
    cause = system_refresh.step(refresh, "Everyone").segment_refresh
    assert cause is not None
    address = f"/data/runs/{export.runs.get().pk}/"
    page = charlie_client.get(address).content.decode()
    assert f'<a href="/admin/system/progress/segment/{cause.pk}/"' in page
    assert "The segment “Everyone”: Skipped. The data source “Shop”: Failed (permanent)." in page
    for_a_finn = charlie_client.get(address, headers={"Accept-Language": "fi"}).content.decode()
    assert "Segmentti ”Everyone”: Ohitettu. Tietolähde ”Shop”: Epäonnistui (pysyvä)." in for_a_finn


def test_canceling_one_job_asks_first(bob_client: Client, refresh: SystemRefresh) -> None:
    job = system_refresh.step(refresh, "Shop").import_job
    assert job is not None
    address = f"/admin/system/progress/data_source/{job.pk}/cancel/"
    assert "No rows are imported" in bob_client.get(address).content.decode()
    assert bob_client.post(address).status_code == 302
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED


def test_within_the_page_canceling_leaves_the_pane_open(bob_client: Client, refresh: SystemRefresh) -> None:
    job = system_refresh.step(refresh, "Shop").import_job
    assert job is not None
    answer = bob_client.post(
        f"/admin/system/progress/data_source/{job.pk}/cancel/", headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert "being canceled" in answer.headers["HX-Trigger"]


def test_only_administrators_cancel_the_system_refresh(
    alice_client: Client, bob_client: Client, refresh: SystemRefresh
) -> None:
    address = f"/admin/system/progress/system/{refresh.pk}/cancel/"
    assert "Cancel job" not in details(bob_client, "system", refresh.pk)
    assert bob_client.post(address).status_code == 403
    assert "Cancel job" in details(alice_client, "system", refresh.pk)
    assert alice_client.post(address).status_code == 302
    assert system_refresh.do(refresh).status == JobStatus.CANCELED
    assert alice_client.post(address).status_code == 409


def test_viewers_cancel_nothing(charlie_client: Client, shop: DataSource) -> None:
    drawing = segment_actions.request_refresh(system_refresh.segment("Everyone"), by=None, wake_worker=False)
    reading = sources_actions.refresh_data_source(shop, by=None, wake_worker=False)
    for kind, job in (("segment", drawing), ("data_source", reading)):
        assert "Cancel job" not in details(charlie_client, kind, job.pk)
        assert charlie_client.post(f"/admin/system/progress/{kind}/{job.pk}/cancel/").status_code == 403
    assert SegmentRefresh.objects.get().cancel_requested_at is None


def test_a_large_workflow_costs_no_more_and_lists_what_matters(
    charlie_client: Client, refresh: SystemRefresh, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    RefreshStep.objects.bulk_create(
        RefreshStep(refresh=refresh, kind="segment", target_id=1_000_000 + n, name=f"S{n:03}", status="successful")
        for n in range(100)
    )
    RefreshStep.objects.create(refresh=refresh, kind="segment", target_id=9, name="Zorro", status="failed")
    with django_assert_max_num_queries(16):
        page = details(charlie_client, "system", refresh.pk)
    assert "Zorro" in page
    assert "… and 62 more" in page
