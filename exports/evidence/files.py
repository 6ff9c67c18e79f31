"""Write the tables of a run into Parquet files in a folder of this machine.

Rows are never all in memory: they pass through a file of JSON lines, which DuckDB converts. People who were erased
are no longer in the tables that are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import orjson
from django.conf import settings
from django.db import transaction

from config.platform import db
from exports.evidence.schema import KINDS, LIST_STATE, RESULTS, RUNS
from exports.models import IMPORTED, Run, RunKind, StatusSource
from exports.reporting import run_contacts
from exports.results import summary
from segments import member_files
from segments.store.engine import quoted

_BLOCK = 5_000
# SubscriberStatus and ImportedSuppression: who is suppressed; SyncedContact: who is on the list; RemovedContact.
_LIST_STATE = """
    SELECT email, 'on_list', '', '', '', NULL, sent_by, last_run_id FROM exports_syncedcontact
     WHERE list_state_id = %s
    UNION ALL
    SELECT email, 'suppressed', code, source, since, known_since, NULL, nullif(run_id, 0)
      FROM exports_subscriberstatus WHERE list_state_id = %s
    UNION ALL
    SELECT email, 'suppressed', %s, %s, '', imported_at, NULL, NULL
      FROM exports_importedsuppression WHERE list_state_id = %s
    UNION ALL
    SELECT email, 'removed', operation, '', '', NULL, NULL, run_id FROM exports_removedcontact
     WHERE list_state_id = %s
"""


def write_all(run: Run, folder: Path) -> dict[str, Path]:
    """Write the files of a run; by table."""
    members = folder / "members.parquet"
    member_files.write_members(_segments(run), members, run_id=run.pk)
    return {
        "results": _write(folder, "results", RESULTS, _results(run)),
        "list_state": _write(folder, "list_state", LIST_STATE, _list_state(run)),
        "members": members,
        "runs": _write(folder, "runs", RUNS, [_run(run)]),
    }


def _segments(run: Run) -> list[int]:
    """Return the IDs of the segments that a run has read, whatever the export has by now. List cleanups and
    restores read none."""
    return [each.id for each in run.snapshot.segments] if run.kind == RunKind.EXPORT else []


def _results(run: Run) -> Iterator[Mapping[str, Any]]:
    for kind in KINDS:
        for each in run_contacts.list_contacts(run, kind, reasons={}).all():
            yield {
                "run_id": run.pk,
                "export_id": run.export_id,
                "email": each.email,
                "profile_id": each.profile_id,
                "result": each.kind.value,
                "code": each.code,
                "field": each.field,
                "segment": each.segment,
                "batch": each.batch,
            }


def _list_state(run: Run) -> Iterator[Mapping[str, Any]]:
    """Yield what is known of the list, as it is at one moment."""
    state = run.export.delivered_sets.filter(account=run.account, list_id=run.list_id).first()
    if state is None:
        return
    names = list(LIST_STATE)[3:]
    pk = state.list_state_id
    parameters = [pk, pk, str(IMPORTED), StatusSource.IMPORT.value, pk, pk]
    with transaction.atomic():
        for block in db.read_in_blocks(_LIST_STATE, parameters, rows=_BLOCK):
            for row in block:
                own = {"run_id": run.pk, "account": run.account, "list_id": run.list_id}
                yield own | dict(zip(names, row, strict=True))


def _run(run: Run) -> Mapping[str, Any]:
    plain = ("number", "kind", "trigger", "status", "reason", "account", "list_id")
    moments = ("created_at", "started_at", "finished_at")
    return {
        "run_id": run.pk,
        "export_id": run.export_id,
        "export": run.export.name,
        **{name: getattr(run, name) for name in (*plain, *moments)},
        **summary.of_run(run).as_numbers(),
    }


def _write(folder: Path, table: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write the rows of a table as Parquet."""
    lines, target = folder / f"{table}.jsonl", folder / f"{table}.parquet"
    with lines.open("xb") as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    listed = ", ".join(f"{name}: {quoted(kind)}" for name, kind in columns.items())
    with duckdb.connect(config={"threads": 1, "temp_directory": str(folder)}) as connection:
        connection.execute(f"SET memory_limit = '{settings.PROFILE_STORE_MEMORY_MB:d}MB'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT * FROM read_json({quoted(str(lines))}, format = 'newline_delimited',"  # noqa: S608
            f" columns = {{{listed}}})) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)"
        )
    lines.unlink()
    return target
