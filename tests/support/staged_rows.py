"""Stage rows for a merge, without an import."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from segments.store import lake
from segments.store.merge import STAGED


@contextmanager
def staged_rows(kinds: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> Iterator[None]:
    """Stage rows in a table with columns of these types until the block ends. An import has a view of that name,
    which can neither replace nor drop a table that is left over."""
    with lake.reading() as reader:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {STAGED} AS {lake.rows_of(kinds)}", [lake.as_list(rows)]
        )
    try:
        yield
    finally:
        with lake.reading() as reader:
            reader.execute(f"DROP TABLE {STAGED}")
