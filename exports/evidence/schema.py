"""The tables of the evidence, with their columns and types in DuckDB.

Programs read them: columns are only added, and keep their name, type and meaning. The help has them too.
"""

from collections.abc import Mapping
from typing import Final

from exports.results.summary import ContactKind, ResultSummary

_COUNTS: Final = tuple(ResultSummary().as_numbers())

RESULTS: Final[Mapping[str, str]] = {
    "run_id": "BIGINT",
    "export_id": "BIGINT",
    "email": "VARCHAR",
    "profile_id": "BIGINT",
    "result": "VARCHAR",
    "code": "VARCHAR",
    "field": "VARCHAR",
    "segment": "VARCHAR",
    "batch": "VARCHAR",
}
LIST_STATE: Final[Mapping[str, str]] = {
    "run_id": "BIGINT",
    "account": "VARCHAR",
    "list_id": "VARCHAR",
    "email": "VARCHAR",
    "state": "VARCHAR",
    "code": "VARCHAR",
    "source": "VARCHAR",
    "since": "VARCHAR",
    "known_since": "TIMESTAMPTZ",
    "last_export_id": "BIGINT",
    "last_run_id": "BIGINT",
}
MEMBERS: Final[Mapping[str, str]] = {
    "run_id": "BIGINT",
    "segment_id": "BIGINT",
    "segment": "VARCHAR",
    "refreshed_at": "TIMESTAMPTZ",
    "profile_id": "BIGINT",
    "source": "VARCHAR",
    "key": "VARCHAR",
}
RUNS: Final[Mapping[str, str]] = {
    "run_id": "BIGINT",
    "export_id": "BIGINT",
    "export": "VARCHAR",
    "number": "BIGINT",
    "kind": "VARCHAR",
    "trigger": "VARCHAR",
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "account": "VARCHAR",
    "list_id": "VARCHAR",
    "created_at": "TIMESTAMPTZ",
    "started_at": "TIMESTAMPTZ",
    "finished_at": "TIMESTAMPTZ",
    **dict.fromkeys(_COUNTS, "BIGINT"),
}
# In the order of writing: a run whose row is in “runs” is complete in all others.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "results": RESULTS,
    "list_state": LIST_STATE,
    "members": MEMBERS,
    "runs": RUNS,
}
# The results of contacts, each contact of a run once.
KINDS: Final = (
    ContactKind.DELIVERED,
    ContactKind.UNCHANGED,
    ContactKind.EXCLUDED,
    ContactKind.SUPPRESSED,
    ContactKind.PREVIOUSLY_REJECTED,
    ContactKind.REJECTED,
    ContactKind.UNKNOWN,
    ContactKind.NOT_ATTEMPTED,
    ContactKind.REMOVED,
    ContactKind.NOT_REMOVED,
)


def file_name(table: str, run_id: int) -> str:
    """Return the name of the file of a run, with its folder."""
    return f"{table}/run_id={run_id}.parquet"
