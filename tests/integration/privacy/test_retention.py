"""The table of what is stored how long: the jobs go by it, the page shows it, and the report and the erasure of a
person reach all that it names."""

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.retention import Persons, Retention
from exports.actions import preview
from exports.feedback import differences
from exports.models import Export, ExportPreview, ImportedSuppression, ListComparison, ListState
from exports.scheduler.retention import forget_for_a_while
from segments import maintenance
from segments.models import (
    PUSHED,
    DataSource,
    ImportJob,
    ImportMode,
    MemberSet,
    PushedBatch,
    Segment,
    SegmentDraft,
)
from segments.privacy import erase, rejected_files, subject_access
from segments.privacy.subjects import Scope
from segments.sources import actions, import_job
from segments.sources.push import ended
from tests.integration.privacy.conftest import EMAIL, run_to_its_end
from tests.support.database_search import tables_with
from tests.support.profiles import Profile, product_profile

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/system/retention/"
KINDS = list(retention.table())
ROOT = Path(django_settings.BASE_DIR)
TESTS = ROOT / "tests" / "integration"

# The test that shows that a kind of data is deleted when its time is over, or when what ends it happens.
DELETED = {
    "profiles": "segments/test_snapshot_import.py::test_profiles_that_are_not_in_the_file_leave",
    "store_versions": "segments/store/test_maintenance.py::test_old_versions_are_kept_for_a_while",
    "member_sets": "privacy/test_retention.py::test_a_member_set_is_deleted_when_its_time_is_over",
    "deleted_attributes": "segments/test_attributes.py::test_the_columns_are_dropped_when_no_job_can_name_them",
    "uploads": "privacy/test_retention.py::test_an_upload_is_deleted_when_its_time_is_over",
    "held_imports": "segments/test_snapshot_import.py::test_the_file_of_a_held_import_is_kept_for_a_week",
    "rejected_rows": "privacy/test_rejected_files.py::test_it_is_deleted_with_uploads_of_its_age",
    "pushed_profiles": "api/test_segments_and_sources.py::test_pushed_profiles_are_merged_with_their_types",
    "push_snapshots": "api/test_segments_and_sources.py::test_an_abandoned_snapshot_is_deleted",
    "drafts": "segments/test_drafts.py::test_a_draft_ends_after_thirty_days",
    "push_imports": "privacy/test_retention.py::test_the_latest_of_many_imports_of_pushed_profiles_stay",
    "jobs": "segments/test_remove_source.py::test_it_is_deleted_with_its_profiles",
    "triggered_starts": "exports/test_run_after.py::test_the_tick_starts_it",
    "api_tokens": "api/test_tokens.py::test_tokens_are_deleted_with_their_user",
    "run_contacts": "exports/test_retention.py::test_it_empties_batches_and_keeps_their_figures",
    "run_outcomes": "exports/test_retention.py::test_it_keeps_each_for_its_own_time",
    "previews": "privacy/test_retention.py::test_a_preview_is_deleted_when_its_time_is_over",
    "list_state": "exports/test_list_watch.py::test_what_is_known_of_lists_without_exports_is_forgotten",
    "list_comparisons": "privacy/test_retention.py::test_the_latest_of_many_comparisons_stay",
    "suppression_lists": "exports/test_suppression_list.py::test_it_is_imported_and_removed_on_the_page",
    "disclosures": "privacy/test_erase.py::test_disclosures_are_forgotten_when_their_time_is_over",
    "list_removals": "privacy/test_list_removal.py::test_it_gives_up_after_a_week_and_says_what_to_do",
    "sessions": "config/test_sessions.py::test_expired_rows_are_cleared_at_night",
    "sign_in_attempts": "config/test_passwords.py::test_it_opens_again_after_a_while",
    "reset_requests": "config/test_passwords.py::test_a_link_that_no_server_takes_is_tried_again",
    "events": "events/test_delivery.py::test_events_are_forgotten_after_thirty_days",
    "notifications": "notifications/test_alerts.py::test_it_forgets_what_was_told_long_ago",
    "campaigns": "exports/test_campaigns.py::test_campaigns_of_the_last_90_days_are_shown_and_older_ones_deleted",
    "idempotency_keys": "api/test_exports_and_runs.py::test_keys_are_forgotten_after_a_day",
    "schedules": "system/test_retention.py::test_it_forgets_what_is_old_and_keeps_what_is_young",
}
# Nothing of ours deletes these.
KEPT = {
    "erased_hashes",
    "settings",
    "applied_configurations",
    "runs",
    "evidence_files",
    "destination_files",
    "audit",
    "accounts",
    "backups",
    "logs",
}


def names_of_code() -> str:
    packages = ("config", "connections", "exports", "segments")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_kind_with_a_limit_gives_it_to_the_code_that_deletes() -> None:
    used = set(re.findall(r"\bretention\.([A-Z_]+)\b", names_of_code()))
    limited = {kind.key.upper() for kind in KINDS if kind.is_timed or kind.most}
    assert limited - used == set()


def test_a_kind_has_one_end_and_one_name() -> None:
    assert len({kind.key for kind in KINDS}) == len(KINDS)
    assert [kind.key for kind in KINDS if kind.is_timed is bool(kind.until)] == []
    assert {kind.key for kind in KINDS} == DELETED.keys() | KEPT


@pytest.mark.parametrize("named", sorted(DELETED.values()))
def test_the_test_of_each_kind_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^def {name}", (TESTS / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_users_see_every_kind_with_its_time(charlie_client: Client, settings: Settings) -> None:
    settings.BATCH_RETENTION_DAYS = 21
    page = charlie_client.get(PAGE).content.decode()
    for kind in KINDS:
        assert str(kind.data) in page
        assert str(kind.why) in page
    for words in ("21 days", "BATCH_RETENTION_DAYS", "15 minutes", "1 day", "1 hour", "Never deleted."):
        assert words in page


def test_the_page_costs_few_queries(
    charlie_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    charlie_client.get(PAGE)
    with django_assert_max_num_queries(12):
        charlie_client.get(PAGE)


def test_an_upload_is_deleted_when_its_time_is_over(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = tmp_path
    old, young = tmp_path / "old.csv", tmp_path / "young.csv"
    for path, age in ((old, timedelta(minutes=1)), (young, timedelta(minutes=-1))):
        path.write_text("id\n1\n")
        moment = (retention.UPLOADS.cutoff() - age).timestamp()
        os.utime(path, (moment, moment))
    actions.delete_abandoned_uploads()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["young.csv"]


def test_a_preview_is_deleted_when_its_time_is_over(export: Export, alice: User) -> None:
    old, young = (
        ExportPreview.objects.create(export=export, export_version=1, requested_by=alice, status="successful")
        for _ in range(2)
    )
    ExportPreview.objects.filter(pk=old.pk).update(created_at=retention.PREVIEWS.cutoff() - timedelta(minutes=1))
    ExportPreview.objects.filter(pk=young.pk).update(created_at=retention.PREVIEWS.cutoff() + timedelta(minutes=5))
    forget_for_a_while()
    assert list(ExportPreview.objects.values_list("pk", flat=True)) == [young.pk]


def test_a_member_set_is_deleted_when_its_time_is_over(everyone: Segment) -> None:
    used = everyone.member_set_id
    _old, young = (MemberSet.objects.create(segment=everyone, size=0) for _ in range(2))
    MemberSet.objects.exclude(pk=young.pk).update(created_at=retention.MEMBER_SETS.cutoff() - timedelta(minutes=1))
    maintenance.delete_unused_sets()
    assert set(MemberSet.objects.values_list("pk", flat=True)) == {used, young.pk}


def test_the_latest_of_many_comparisons_stay() -> None:
    state = ListState.objects.create(account="campaign_monitor/sandbox", list_id="a")
    jobs = [ListComparison.objects.create(list_state=state, status="successful") for _ in range(33)]
    differences.forget_earlier(jobs[-1])
    assert ListComparison.objects.count() == retention.LIST_COMPARISONS.most
    assert ListComparison.objects.latest("pk") == jobs[-1]


def test_the_latest_of_many_imports_of_pushed_profiles_stay() -> None:
    source = DataSource.objects.create(name="Pushed")
    jobs = [
        ImportJob.objects.create(
            source=source, path=PUSHED, mode=ImportMode.UPSERT, status="successful", finished_at=clock.now()
        )
        for _ in range(23)
    ]
    ended.conclude_ended(source)
    assert list(ImportJob.objects.order_by("-pk")) == jobs[: -retention.PUSH_IMPORTS.most - 1 : -1]


# -- the report and the erasure of a person -----------------------------------------------------------------------


def in_profiles(export: Export, alice: User, folder: Path) -> None:
    """Imported by the fixture."""


def in_run(export: Export, alice: User, folder: Path) -> None:
    run_to_its_end(export)


def in_preview(export: Export, alice: User, folder: Path) -> None:
    preview.work_out(preview.request(export, by=alice).pk)


def in_rejected_rows(export: Export, alice: User, folder: Path) -> None:
    path = folder / "rows.csv"
    path.write_text(f"id,email\n1,ann@example.com\n,{EMAIL.upper()}\n", encoding="utf-8")
    job = actions.start_import(path=path, key_column="id", source_name="Rejecting", by=None, wake_worker=False)
    assert import_job.run_import(job.pk)
    path.unlink()


def in_inbox(export: Export, alice: User, folder: Path) -> None:
    PushedBatch.objects.create(
        source=DataSource.objects.earliest("pk"),
        columns=["id", "email"],
        keys=["Q-1", "Q-2"],
        lines=[f"Q-1,{EMAIL}", "Q-2,ann@example.com"],
        size=2,
    )


def in_draft(export: Export, alice: User, folder: Path) -> None:
    rules = {"join": "all", "rules": [{"attribute": "email", "operator": "is", "value": EMAIL}]}
    SegmentDraft.objects.create(key=uuid4(), user=alice, rules=rules)


def on_suppression_list(export: Export, alice: User, folder: Path) -> None:
    run_to_its_end(export)
    state = ListState.objects.get()
    ImportedSuppression.objects.create(list_state=state, email=EMAIL, imported_at=clock.now())


# kind → how the data come to be, and the part of the report that has them
PLANTED: dict[str, tuple[Callable[[Export, User, Path], None], str]] = {
    "profiles": (in_profiles, "profiles"),
    "run_contacts": (in_run, "sent"),
    "run_outcomes": (in_run, "outcomes"),
    "list_state": (in_run, "on_lists_by_exports"),
    "previews": (in_preview, "in_previews"),
    "rejected_rows": (in_rejected_rows, "rejected_rows"),
    "pushed_profiles": (in_inbox, "pushed_profiles"),
    "push_snapshots": (in_inbox, "pushed_profiles"),
    "drafts": (in_draft, "rules"),
    "suppression_lists": (on_suppression_list, "kept_out_by_lists"),
}
# Tests that show it elsewhere; or why the report and the erasure do not reach it, as the help says.
ELSEWHERE = {
    "list_comparisons": "privacy/test_list_feedback.py::test_nothing_of_an_erased_person_stays",
    "store_versions": "privacy/test_purge.py::test_after_the_purge_no_file_and_no_table",
    "deleted_attributes": "privacy/test_purge.py::test_after_the_purge_no_file_and_no_table",
    "list_removals": "privacy/test_list_removal.py::test_it_removes_the_person_from_the_list",
    "held_imports": "segments/test_held_import_pages.py",
    "settings": "privacy/test_erase.py::test_rules_that_name_the_address_have_to_change_first",
}
NOT_REACHED = {"uploads", "destination_files", "evidence_files", "backups", "logs"}


def test_every_kind_with_personal_data_of_customers_has_a_test_or_a_reason() -> None:
    personal = {kind.key for kind in KINDS if kind.persons == Persons.CUSTOMERS}
    assert personal == PLANTED.keys() | ELSEWHERE.keys() | NOT_REACHED
    for named in ELSEWHERE.values():
        path, _, name = named.partition("::")
        assert f"def {name}" in (TESTS / path).read_text(encoding="utf-8")


def files_with(folder: Path, words: str) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if words.encode() in path.read_bytes().lower()]


@pytest.mark.parametrize("kind", PLANTED)
def test_the_report_of_a_person_has_it_and_an_erasure_removes_it(
    kind: str, export: Export, zofia: Profile, alice: User, tmp_path: Path, settings: Settings
) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    plant, part = PLANTED[kind]
    plant(export, alice, tmp_path)
    profile = product_profile(zofia)

    report = subject_access.personal_data_report(profile, by=alice)
    found = json.dumps(report[part], default=str).lower()
    assert report[part]
    assert EMAIL in found or part == "rules"
    assert "ann@example.com" not in found
    assert tables_with(EMAIL) or files_with(tmp_path, EMAIL) or kind == "profiles"

    erase.erase(profile, scope=Scope.ADDRESS, by=alice)
    assert tables_with(EMAIL) == []
    assert files_with(tmp_path, EMAIL) == []


def test_rejected_rows_of_others_are_not_in_the_report(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    folder = tmp_path / "uploads" / "rejected"
    folder.mkdir(parents=True)
    (folder / "7.csv").write_text(f"id,email\n,{EMAIL}\n,zofia.zielinska@example.com.pl\n,other@example.com\n")
    assert list(rejected_files.rows_of([EMAIL])) == [{"import": 7, "row": f",{EMAIL}"}]


def test_a_kind_that_no_time_ends_has_no_cutoff() -> None:
    endless = Retention("x", retention.Group.SYSTEM, retention.RUNS.data, retention.RUNS.why, until="Never.")
    with pytest.raises(ValueError, match="until something happens"):
        endless.cutoff()
