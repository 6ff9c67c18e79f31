"""What is measured of the profile store, in order. Ratios compare with plain SQL in the same run."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import median

import duckdb
from django.db import connection as database

from config.platform.jobs.models import OPEN, Job, JobStatus
from segments import actions, catalog, maintenance, profiles, refresh_job
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from segments.privacy import subject_access
from segments.privacy.subjects import Scope
from segments.profiles import PageStart
from segments.rules.tree import EVERYONE, Tree
from segments.sources import actions as source_actions
from segments.sources.import_job import run_import
from segments.store import engine, matching
from segments.store.columns import PROFILES
from segments.store.profiles import Condition, count_profiles, select_profiles
from tests.benchmark.ground import manage
from tests.benchmark.results import Results
from tests.benchmark.store_data import (
    CONDITIONS,
    TABLE,
    all_of,
    write_broken_rows,
    write_csv,
    write_windows_1252,
)
from tests.support.waiting import wait_until
from tests.support.workers import worker_processes

_TIMES = 5
_SMALL_ROWS = 10_000
_AT_ONCE = 10
_MANY_SEGMENTS = 500


class StoreScenarios:
    """One benchmark of a store with ``rows`` profiles; names of figures end with ``suffix``."""

    def __init__(
        self, results: Results, folder: Path, rows: int, suffix: str, *, say: Callable[[str], None]
    ) -> None:
        self._results, self._folder, self._rows, self._suffix, self._say = results, folder, rows, suffix, say
        self._copy_seconds = 0.0

    def play(self) -> None:
        self._import()
        self._refresh()
        self._refresh_many()
        self._live_counts()
        self._searches()
        self._merge()
        self._import_other_files()
        self._all_at_once()
        self._clear()

    def _import(self) -> None:
        path = write_csv(self._folder / "people.csv", self._rows)
        self._say(f"COPY of {self._rows:,} rows into a typed table …")
        copies = [self._copy(path) for _time in range(2)]
        self._say("Importing them …")
        process = manage("import_profiles", str(path), "--key", "id", "--source", "People")
        copies.append(self._copy(path))
        copy, seconds = min(copies), _seconds_of(ImportJob.objects.latest("pk"))
        self._copy_seconds = copy
        self._add("copy_seconds", copy, "s", "the best of three, the index of the primary key included")
        self._add("import_seconds", seconds, "s", f"{process.cpu_seconds:.1f} s of CPU, its start included")
        self._add("import_vs_copy", seconds / copy, "times")
        self._add("import_peak_mb", process.peak_bytes / 2**20, "MB")
        for name, version in (("unchanged", 0), ("all_changed", 1)):
            self._say(f"Importing the file again, {name} …")
            again = write_csv(self._folder / "again.csv", self._rows, version=version)
            manage("import_profiles", str(again), "--key", "id", "--source", "People")
            self._add(f"import_{name}_vs_copy", _seconds_of(ImportJob.objects.latest("pk")) / copy, "times")

    def _import_other_files(self) -> None:
        """Import the file in another encoding, and with a field too many in one of a hundred rows."""
        path = self._folder / "people.csv"
        for name, write in (("windows_1252", write_windows_1252), ("broken_rows", write_broken_rows)):
            self._say(f"Importing a file with {name} …")
            other = write(path, self._folder / f"{name}.csv")
            manage("import_profiles", str(other), "--key", "id", "--source", name)
            job = ImportJob.objects.latest("pk")
            remark = f"{job.rows_refused:,} rejected"
            self._add(f"import_{name}_vs_copy", _seconds_of(job) / self._copy_seconds, "times", remark)

    def _copy(self, path: Path) -> float:
        """Copy the file into a table with COPY; the seconds that takes."""
        with database.cursor() as cursor, path.open("rb") as file:
            cursor.execute(f"DROP TABLE IF EXISTS copied; CREATE TABLE copied ({TABLE})")
            begun = time.perf_counter()
            cursor.copy_expert("COPY copied FROM STDIN (FORMAT csv, HEADER)", file)
            return time.perf_counter() - begun

    def _refresh(self) -> None:
        self._say("Refreshing a segment with seven conditions …")
        conditions = [rule for rule, _sql in CONDITIONS[:6]]
        segment = actions.create_segment(name="Some", rules_tree=all_of(*conditions), by=None, wake_worker=False)
        found = [self._refreshed(segment) for _time in range(_TIMES)]
        by_hand = min(self._by_hand_in_postgres(), self._by_hand_in_duckdb())
        self._add("refresh_ms", median(found) * 1000, "ms", f"{segment.member_count:,} members, six conditions")
        self._add("refresh_vs_sql", median(found) / by_hand, "times", "SQL by hand: the quicker of two")
        committed = self._by_hand_in_the_lake()
        self._add("refresh_vs_lake_sql", median(found) / committed, "times", "SQL by hand, one commit of the lake")

    def _refreshed(self, segment: Segment) -> float:
        Segment.objects.filter(pk=segment.pk).update(member_set=None)
        job = refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
        assert job is not None
        assert job.status == JobStatus.SUCCESSFUL, job.message
        segment.refresh_from_db()
        return _seconds_of(job)

    def _by_hand_in_postgres(self) -> float:
        where = " AND ".join(
            sql.replace("contains(lower(city), 'k')", "lower(city) LIKE '%%k%%'") for _rule, sql in CONDITIONS[:6]
        )

        def run() -> None:
            with database.cursor() as cursor:
                cursor.execute("DROP TABLE IF EXISTS members")
                cursor.execute(f"CREATE TABLE members AS SELECT id FROM copied WHERE {where}".replace("%%", "%"))

        with database.cursor() as cursor:
            cursor.execute("ANALYZE copied")
        seconds = _median_seconds(run)
        self._add("sql_by_hand_postgres_ms", seconds * 1000, "ms", "a typed table, members into a table")
        return seconds

    def _by_hand_in_duckdb(self) -> float:
        where = " AND ".join(sql for _rule, sql in CONDITIONS[:6])
        source, target = self._folder / "typed.parquet", self._folder / "members.parquet"
        with closing(duckdb.connect(config={"threads": 2})) as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_csv('{self._folder / 'people.csv'}',"
                f" types = {{'newsletter': 'BOOLEAN', 'birth_date': 'DATE'}})) TO '{source}'"
            )
            seconds = _median_seconds(
                lambda: connection.execute(f"COPY (SELECT id FROM '{source}' WHERE {where}) TO '{target}'")
            )
        self._add(
            "sql_by_hand_parquet_ms", seconds * 1000, "ms", "DuckDB, one Parquet file to another, no catalog"
        )
        return seconds

    def _by_hand_in_the_lake(self) -> float:
        """Write members into a table of the lake by one statement, with nothing around it."""
        columns = {each.name: each.column for each in catalog.attributes() if each.name != "id"}
        named = ", ".join(f"{column} AS {name}" for name, column in columns.items())
        where = " AND ".join(sql for _rule, sql in CONDITIONS[:6])
        query = f"SELECT id FROM (SELECT id, {named} FROM {PROFILES}) WHERE {where}"
        table = f"{engine.LAKE}.by_hand"
        with engine.using() as connection:
            connection.execute(f"CREATE TABLE {table} (id BIGINT)")
            seconds = _median_seconds(lambda: connection.execute(f"INSERT INTO {table} {query}"))
            connection.execute(f"DROP TABLE {table}")
        self._add("sql_by_hand_lake_ms", seconds * 1000, "ms", "a table of the lake, its commit included")
        return seconds

    def _refresh_many(self) -> None:
        """Many segments of two or three conditions, by real workers."""
        self._say(f"Refreshing {_MANY_SEGMENTS} segments …")
        rules = [rule for rule, _sql in CONDITIONS]
        trees = [all_of(*chosen) for size in (2, 3) for chosen in combinations(rules, size)]
        segments = [self._segment(f"Many {at}", trees[at % len(trees)]) for at in range(_MANY_SEGMENTS)]
        with worker_processes(self._folder / f"many{self._suffix}"):
            begun = time.perf_counter()
            jobs = [actions.request_refresh(segment, by=None) for segment in segments]
            wait_until(lambda: not _open_jobs(), seconds=3600)
            seconds = time.perf_counter() - begun
        self._add("refresh_500_seconds", seconds, "s", f"{len(set(map(str, trees)))} different rules")
        for job in jobs:
            job.refresh_from_db()
            assert job.status == JobStatus.SUCCESSFUL, f"{job}: {job.message}"

    def _live_counts(self) -> None:
        self._say("Counting seven conditions and the total …")
        every = all_of(*(rule for rule, _sql in CONDITIONS))
        one = _median_seconds(lambda: matching.count_rules(all_of(CONDITIONS[0][0])))
        seconds = _median_seconds(lambda: matching.count_rules(every, first=0))
        first = _median_seconds(lambda: matching.count_rules(every, first=10))
        self._add("count_of_one_ms", one * 1000, "ms", "one condition")
        self._add("live_count_ms", seconds * 1000, "ms", "seven conditions each and the total, warm")
        self._add("live_count_and_first_ms", first * 1000, "ms", "the same, and the first ten members")

    def _searches(self) -> None:
        self._say("Searching …")
        key = f"P{self._rows // 2:09}"
        (person,) = select_profiles(Condition("key = ?", [key]))
        seconds = _median_seconds(lambda: subject_access.find_subject(person, scope=Scope.ADDRESS))
        self._add("person_by_address_ms", seconds * 1000, "ms", "all profiles with an address")
        attributes = catalog.attributes()
        terms = ("turku", key.lower(), "no such words", f"person.{self._rows // 3}@example")
        search = partial(profiles.find_profiles, start=PageStart(), size=50, key_only=False)
        found = {words: _median_seconds(partial(search, words, attributes)) for words in terms}
        slowest = max(found, key=lambda words: found[words])
        self._add("search_ms", found[slowest] * 1000, "ms", f"the slowest of {len(found)}: “{slowest}”")

    def _merge(self) -> None:
        self._say("Merging 1,000 changed profiles …")
        rules = all_of({"attribute": "points", "operator": ">", "value": "5000"})

        def merge(version: int) -> float:
            path = write_csv(self._folder / "few.csv", 1_000, first=self._rows // 2, version=version)
            begun = time.perf_counter()
            job = run_import(_start_import(path, "People", wake_worker=False).pk)
            matching.count_rules(rules)
            assert job is not None
            assert job.rows_updated == 1_000, job.message
            return time.perf_counter() - begun

        seconds = [merge(version) for version in range(11, 16)]
        self._add("merge_of_1000_ms", median(seconds) * 1000, "ms", "import of the file until a count has them")

    def _all_at_once(self) -> None:
        """Ten imports, one as large as the store, and ten refreshes by real workers."""
        self._say("Ten imports and ten refreshes at once …")
        paths = [write_csv(self._folder / "large.csv", self._rows)]
        paths += [write_csv(self._folder / f"small{at}.csv", _SMALL_ROWS, first=at) for at in range(1, _AT_ONCE)]
        segments = [
            self._segment(f"At once {at}", EVERYONE if at % 2 else all_of(CONDITIONS[at % 7][0]))
            for at in range(_AT_ONCE)
        ]
        with worker_processes(self._folder / f"workers{self._suffix}") as workers:
            begun = time.perf_counter()
            jobs: list[Job] = [_start_import(path, f"At once {at}") for at, path in enumerate(paths)]
            jobs += [actions.request_refresh(segment, by=None) for segment in segments]
            wait_until(lambda: not _open_jobs(), seconds=3600)
            seconds = time.perf_counter() - begun
        for job in jobs:
            job.refresh_from_db()
            assert job.status == JobStatus.SUCCESSFUL, f"{job}: {job.message}\n{workers.log('jobs')[-5000:]}"
        longest = jobs[0].finished_at
        assert longest is not None
        after = sum(1 for job in jobs[1:] if job.finished_at is None or job.finished_at > longest)
        self._add("at_once_seconds", seconds, "s", f"the largest import: {_seconds_of(jobs[0]):.1f}")
        self._add("at_once_after_longest", after, "jobs", "ended after the largest import")
        self._add("at_once_lost", self._lost_at_once(), "profiles", "of ten imports")

    def _lost_at_once(self) -> int:
        lost = 0
        for source in DataSource.objects.filter(name__startswith="At once"):
            expected = self._rows if source.name == "At once 0" else _SMALL_ROWS
            lost += abs(expected - count_profiles(Condition("source_id = ?", [source.pk])))
        return lost

    def _segment(self, name: str, rules: Tree) -> Segment:
        return actions.create_segment(name=name, rules_tree=rules, by=None, wake_worker=False)

    def _clear(self) -> None:
        """Leave an empty store to the next size."""
        SegmentRefresh.objects.all().delete()
        Segment.objects.all().delete()
        ImportJob.objects.all().delete()
        DataSource.objects.all().delete()
        maintenance.tidy()

    def _add(self, name: str, value: float, unit: str, remark: str = "") -> None:
        self._results.add(name + self._suffix, value, unit, remark)
        self._say(f"… {name}: {self._results.figures[-1].value:,} {unit} {remark}")


def _start_import(path: Path, source: str, *, wake_worker: bool = True) -> ImportJob:
    return source_actions.start_import(
        path=path, key_column="id", source_name=source, by=None, wake_worker=wake_worker
    )


def _open_jobs() -> bool:
    return any(model.objects.filter(status__in=OPEN).exists() for model in (ImportJob, SegmentRefresh))


def _seconds_of(job: Job) -> float:
    assert job.started_at is not None
    assert job.finished_at is not None
    return (job.finished_at - job.started_at).total_seconds()


def _median_seconds(work: Callable[[], object]) -> float:
    """Do something once, and then time it; the median of several times."""
    work()
    found = []
    for _time in range(_TIMES):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return median(found)
