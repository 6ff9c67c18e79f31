"""Processes are killed by -9 in each phase of imports, refreshes, erasures and changes of attributes: the store is
never half changed."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from django.conf import settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import Job, JobStatus
from segments import actions, catalog
from segments.attribute_changes import actions as attribute_changes
from segments.attribute_changes.conversion import NO_SOURCE, plan_for
from segments.maintenance import drop_deleted_columns
from segments.models import (
    DataSource,
    DeletedAttribute,
    Erasure,
    ImportJob,
    ProfileAttribute,
    Segment,
    SegmentRefresh,
)
from segments.sources import actions as source_actions
from segments.sources import held_imports
from segments.sources.column_plan import ColumnType
from segments.store import lake, maintenance
from segments.store.locks import writer_lock
from tests.drills.store_jobs import data
from tests.drills.store_jobs.points import Points
from tests.drills.store_jobs.watching import Watcher, watching
from tests.support.database_search import store_places_with, tables_with
from tests.support.lake import unknown_files
from tests.support.waiting import wait_until
from tests.support.workers import Workers, environment_of_processes, worker_processes

pytestmark = [pytest.mark.drill, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PEOPLE = 200_000
QUICK_LEASES = {"LEASE_SECONDS": "2"}
ERASED = ["K0000007", "K0000008", "K0000009", "K0000010"]
NOTHING_MORE: Mapping[str, bool] = {}
PURGE_STEPS = (
    "ducklake_rewrite_data_files",
    "ducklake_expire_snapshots",
    "ducklake_cleanup_old_files",
    "ducklake_delete_orphaned_files",
)


@dataclass
class Drill:
    """The processes, where they pause, and how many were killed in which phase."""

    workers: Workers
    points: Points
    folder: Path
    chance: Random
    kills: Counter[str] = field(default_factory=Counter)

    def kill_at(self, phase: str, point: str, *, then: Mapping[str, bool] = NOTHING_MORE) -> None:
        """Kill the worker that reaches a point, which was armed, and start it again. If it does not pause there,
        it is killed a random moment later. ``then`` is armed before, with whether to pause."""
        pid, pauses = self.points.wait_for(point)
        if not pauses:
            time.sleep(self.chance.uniform(0, 0.12))
        for name, pause in then.items():
            self.points.arm(name, pause=pause)
        (name,) = [each for each, known in self.workers.pids.items() if known == pid]
        self.workers.kill(name)
        self.kills[phase] += 1
        sys.stdout.write(f"killed {name}: {phase}\n")
        self.workers.start(name)


@pytest.fixture
def drill(tmp_path: Path, chance: Random) -> Iterator[Drill]:
    points = Points(tmp_path / "points")
    env = {**QUICK_LEASES, **points.environment}
    with worker_processes(tmp_path / "var", env=env, twice={"jobs": {}}) as workers:
        yield Drill(workers, points, tmp_path, chance)


def has_ended(job: Job) -> bool:
    job.refresh_from_db()
    return not job.is_open


def wait_for_end(job: Job) -> None:
    wait_until(lambda: has_ended(job), tell=lambda: f"{job}: {job.status}, attempt {job.attempt}")
    assert job.status == JobStatus.SUCCESSFUL, job.message


def start_import(path: Path) -> ImportJob:
    return source_actions.start_import(path=path, key_column="id", source_name="People", by=None)


def check_import(job: ImportJob, path: Path, before: data.Sums) -> None:
    """Check the result of an import, its counts, and those of its source."""
    wait_for_end(job)
    expected, source = data.sums_of_file(path), DataSource.objects.get()
    assert data.sums_of_store(source) == expected
    assert source.profile_count == expected.rows
    counted = (job.rows_read, job.rows_created, job.rows_refused, job.rows_updated + job.rows_unchanged)
    assert counted == (expected.rows, expected.rows - before.rows, 0, before.rows)


def kill_import_in_each_phase(drill: Drill, watcher: Watcher, path: Path) -> None:
    before, source = data.sums_of_store(DataSource.objects.get()), DataSource.objects.get()
    watcher.allow(before, data.sums_of_file(path))
    drill.points.arm("import-reading", pause=False)
    with writer_lock():
        job = start_import(path)
        drill.kill_at("import: reading", "import-reading", then={"import-staging": False})
        drill.kill_at("import: staging", "import-staging", then={"waiting-for-writer-lock": True})
        drill.kill_at(
            "import: waiting for the writer lock",
            "waiting-for-writer-lock",
            then={"import-before-commit": True},
        )
    drill.kill_at("import: merged, before the commit", "import-before-commit", then={"import-after-commit": True})
    drill.kill_at("import: after the commit, before the job is concluded", "import-after-commit")
    assert lake.find_commit(f"import:{job.pk}") is not None
    check_import(job, path, before)
    assert job.attempt == 6
    assert data.sums_of_store(source) == data.sums_of_file(path)


def kill_import_around_commit(drill: Drill, watcher: Watcher, path: Path) -> None:
    before = data.sums_of_store(DataSource.objects.get())
    watcher.allow(before, data.sums_of_file(path))
    drill.points.arm("import-before-commit", pause=False)
    job = start_import(path)
    drill.kill_at("import: committing", "import-before-commit")
    check_import(job, path, before)


def create_segments() -> list[Segment]:
    found = []
    for country in data.COUNTRIES:
        rules = {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": country}]}
        found.append(actions.create_segment(name=country, rules_tree=rules, by=None, wake_worker=False))
    return found


def kill_refreshes(drill: Drill, watcher: Watcher, path: Path) -> None:
    """Refresh all segments at once, and kill one worker after another."""
    segments = list(Segment.objects.order_by("pk"))
    for segment in segments:
        watcher.allow_members(segment, segment.member_count, data.members_of_file(path, segment.name))
    for point in ("refresh-evaluating", "refresh-before-commit", "refresh-after-commit"):
        drill.points.arm(point)
    jobs: list[SegmentRefresh] = [actions.request_refresh(each, by=None) for each in segments]
    drill.kill_at("refresh: evaluating", "refresh-evaluating")
    drill.kill_at("refresh: set written, before the commit", "refresh-before-commit")
    drill.kill_at("refresh: after the commit, before the job is concluded", "refresh-after-commit")
    for job in jobs:
        wait_for_end(job)
    for segment in segments:
        segment.refresh_from_db()
        expected = data.members_of_file(path, segment.name)
        assert (segment.member_count, data.stored_members(segment)) == (expected, expected)


def kill_refresh_around_commit(drill: Drill, segment: Segment) -> None:
    Segment.objects.filter(pk=segment.pk).update(member_set=None, member_count=0)
    drill.points.arm("refresh-before-commit", pause=False)
    job = actions.request_refresh(segment, by=None)
    drill.kill_at("refresh: committing", "refresh-before-commit")
    wait_for_end(job)
    segment.refresh_from_db()
    assert data.stored_members(segment) == segment.member_count > 0


def kill_erasure(drill: Drill, key: str) -> None:
    """Erase a person in a process that is killed after PostgreSQL's commit, and kill those that finish it."""
    drill.points.arm("erasure-begin")
    env = environment_of_processes(drill.folder / "var") | drill.points.environment
    command = [sys.executable, "-m", "tests.drills.store_jobs.erase_person", key]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env)
    assert drill.points.wait_for("erasure-begin", unless=lambda: process.poll() is not None)[0] == process.pid
    erasure = Erasure.objects.latest("pk")
    assert erasure.pending_ids
    for point in ("erasure-before-commit", "erasure-after-commit", *(f"purge-{step}" for step in PURGE_STEPS)):
        drill.points.arm(point)
    process.kill()
    process.wait(timeout=10)
    drill.kills["erasure: after PostgreSQL's commit"] += 1
    drill.kill_at("erasure: deleting, before the commit", "erasure-before-commit")
    drill.kill_at("erasure: after the commit, still noted as pending", "erasure-after-commit")
    for step in PURGE_STEPS:
        drill.kill_at(f"purge: after {step}", f"purge-{step}")
    wait_until(lambda: Erasure.objects.get(pk=erasure.pk).purged_at is not None)


def check_erasure(path: Path, erased: list[str]) -> None:
    expected, source = data.sums_of_file(path, without=erased), DataSource.objects.get()
    assert data.sums_of_store(source) == expected
    assert source.profile_count == expected.rows
    for segment in Segment.objects.all():
        members = data.members_of_file(path, segment.name, without=erased)
        assert (segment.member_count, data.stored_members(segment)) == (members, members)
    for key in erased:
        for words in (key, f"person{int(key[1:])}@example.com"):
            assert store_places_with(words) == []
            assert tables_with(words) == []


def test_jobs_of_killed_processes_end_as_if_nothing_had_happened(drill: Drill, alice: User) -> None:
    files = [data.write_file(drill.folder / f"{at}.csv", at, PEOPLE) for at in range(6)]
    source = DataSource.objects.create(name="People", key_column="id")
    with watching(source) as watcher:
        for path in files[:2]:
            kill_import_in_each_phase(drill, watcher, path)
        for path in files[2:5]:
            kill_import_around_commit(drill, watcher, path)
        create_segments()
        kill_refreshes(drill, watcher, files[4])
        watcher.allow(data.sums_of_store(source), data.sums_of_file(files[5]))
        wait_for_end(start_import(files[5]))
        kill_refreshes(drill, watcher, files[5])
    for segment in Segment.objects.all():
        kill_refresh_around_commit(drill, segment)
    with watching(source) as watcher:
        for number in range(1, 3):
            erased = ERASED[:number]
            watcher.allow(data.sums_of_file(files[5], ERASED[: number - 1]), data.sums_of_file(files[5], erased))
            kill_erasure(drill, ERASED[number - 1])
            check_erasure(files[5], erased)

    maintenance.purge()
    assert unknown_files() == set()
    for phase, count in sorted(drill.kills.items()):
        sys.stdout.write(f"{count:3} {phase}\n")
    sys.stdout.write(f"{drill.kills.total()} kills, {watcher.reads} reads\n")
    assert min(drill.kills.values()) >= 2
    assert drill.kills.total() >= 20


def kill_retype_in_each_phase(drill: Drill, kind: ColumnType, by: User) -> None:
    """Change the type of an attribute, and kill the worker in each phase."""
    drill.points.arm("attribute-begin")
    plans = {NO_SOURCE: plan_for(kind)}
    row = ProfileAttribute.objects.get(name="points")
    change = attribute_changes.request_retype(row, plans, accepted_misfits=0, by=by)
    drill.kill_at("retype: before the conversion", "attribute-begin", then={"attribute-before-commit": True})
    drill.kill_at("retype: converted", "attribute-before-commit", then={"attribute-after-commit": True})
    drill.kill_at("retype: committed, not named by the catalog", "attribute-after-commit")
    wait_for_end(change)
    assert ColumnType(catalog.types_by_name()["points"]) is kind


def test_an_attribute_whose_type_killed_workers_change_keeps_all_values(drill: Drill, alice: User) -> None:
    path = data.write_file(drill.folder / "0.csv", 0, PEOPLE)
    expected = data.sums_of_file(path)
    source = DataSource.objects.create(name="People", key_column="id")
    wait_for_end(start_import(path))
    with watching(source) as watcher:
        watcher.allow(expected, expected)
        for kind in (ColumnType.TEXT, ColumnType.NUMBER, ColumnType.INTEGER):
            kill_retype_in_each_phase(drill, kind, alice)
            assert data.sums_of_store(source) == expected
    again = start_import(path)
    wait_for_end(again)
    assert (again.rows_updated, again.rows_unchanged) == (0, expected.rows)
    former = DeletedAttribute.objects.count()
    assert former >= drill.kills.total()
    DeletedAttribute.objects.update(deleted_at=clock.now() - timedelta(days=2))
    drop_deleted_columns()
    maintenance.purge()
    assert unknown_files() == set()
    assert data.sums_of_store(source) == expected
    sys.stdout.write(f"{drill.kills.total()} kills, {watcher.reads} reads\n")
    assert min(drill.kills.values()) >= 3


def test_a_held_import_of_killed_processes_removes_once(drill: Drill, alice: User) -> None:
    full = data.write_file(drill.folder / "0.csv", 0, PEOPLE)
    fewer = data.write_file(drill.folder / "1.csv", 1, PEOPLE * 2 // 3)
    before, after = data.sums_of_file(full), data.sums_of_file(fewer)
    source = DataSource.objects.create(name="People", key_column="id", mode="snapshot")
    with watching(source) as watcher:
        watcher.allow(data.sums_of_store(source), before)
        wait_for_end(start_import(full))
        drill.points.arm("import-reading", pause=False)
        job = start_import(fewer)
        drill.kill_at("held import: reading", "import-reading", then={"import-staging": False})
        drill.kill_at("held import: comparing", "import-staging")
        wait_until(lambda: has_ended(job))
        assert (job.status, job.to_remove) == (JobStatus.NEEDS_CONFIRMATION, before.rows - after.rows)
        assert data.sums_of_store(source) == before
        watcher.allow(before, after)
        drill.points.arm("import-before-commit")
        assert held_imports.confirm_removals(job, count=job.to_remove, by=alice)
        drill.kill_at("removal: before the commit", "import-before-commit", then={"import-after-commit": True})
        drill.kill_at("removal: after the commit, before the job is concluded", "import-after-commit")
        wait_for_end(job)
    source.refresh_from_db()
    assert data.sums_of_store(source) == after
    assert (source.profile_count, job.profiles_removed) == (after.rows, before.rows - after.rows)
    assert AuditEntry.objects.filter(action="profiles removed").count() == 1
