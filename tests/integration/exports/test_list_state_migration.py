"""What each export knew of its list becomes what is known of the list."""

import importlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database

pytestmark = pytest.mark.django_db

OLD, NEW, UNKNOWN = UUID(int=1), UUID(int=2), UUID(int=0)
UNSURE, ADDED, FOUND = 0, 1, 2
ONE, OTHER, ALONE = 11, 12, 13  # sets of the exports 1 and 2 to one list, and of 3 to a list of its own

_TABLES = """
    CREATE SCHEMA before;
    SET LOCAL search_path TO before;
    CREATE TABLE exports_deliveredset (id bigint, export_id bigint, account text, list_id text,
                                       list_state_id bigint);
    CREATE TABLE exports_delivered (delivered_set_id bigint, email text, data_hash uuid, last_run_id bigint,
                                    first_run_id bigint, origin smallint);
    CREATE TABLE exports_removed (delivered_set_id bigint, email text, deed text, mark_field text, run_id bigint);
    CREATE TABLE exports_refused (delivered_set_id bigint, email text, last_run_id bigint, "left" boolean);
    CREATE TABLE exports_liststate (LIKE public.exports_liststate INCLUDING IDENTITY);
    CREATE TABLE exports_syncedcontact (LIKE public.exports_syncedcontact INCLUDING DEFAULTS INCLUDING INDEXES);
    CREATE TABLE exports_removedcontact (LIKE public.exports_removedcontact INCLUDING INDEXES);
    ALTER TABLE exports_removedcontact RENAME COLUMN operation TO deed;  -- as it was named then
    INSERT INTO exports_deliveredset VALUES (11, 1, 'a', 'shared'), (12, 2, 'a', 'shared'), (13, 3, 'a', 'alone');
"""


@pytest.fixture
def before(db: None) -> Iterator[None]:
    """The tables as they were, in a schema of their own."""
    with database.cursor() as cursor:
        cursor.execute(_TABLES)
    yield
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL search_path TO DEFAULT")


def insert(table: str, *rows: tuple[Any, ...]) -> None:
    with database.cursor() as cursor:
        places = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO exports_{table} VALUES ({places})", rows)


def migrate() -> None:
    module = importlib.import_module("exports.migrations.0021_list_state")
    with database.cursor() as cursor:
        cursor.execute(module.CARRY_OVER)


def rows(table: str, columns: str) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT list_id, email, {columns} FROM exports_{table} row"
            " JOIN exports_liststate state ON state.id = row.list_state_id ORDER BY list_id, email"
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def test_a_contact_of_one_export_stays_as_it_is(before: None) -> None:
    insert("delivered", (ALONE, "ann@example.com", OLD, 7, 5, ADDED))
    migrate()
    columns = "data_hash, sent_by, last_run_id, added_run_id, origin, other_exports, other_hashes, unwanted_by"
    expected = ("alone", "ann@example.com", OLD, 3, 7, 5, ADDED, None, None, None)
    assert rows("syncedcontact", columns) == [expected]


def test_the_latest_run_tells_what_a_list_got_last(before: None) -> None:
    insert(
        "delivered",
        (ONE, "ann@example.com", OLD, 7, 7, UNSURE),
        (OTHER, "ann@example.com", NEW, 9, 6, UNSURE),
        (ONE, "ben@example.com", OLD, 7, 7, UNSURE),
    )
    migrate()
    assert rows("syncedcontact", "data_hash, sent_by, last_run_id, added_run_id, other_exports, other_hashes") == [
        ("shared", "ann@example.com", NEW, 2, 9, 6, [1], [UNKNOWN]),
        ("shared", "ben@example.com", OLD, 1, 7, 7, None, None),
    ]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [(ADDED, FOUND, ADDED), (ADDED, UNSURE, ADDED), (FOUND, UNSURE, FOUND), (UNSURE, UNSURE, UNSURE)],
)
def test_added_by_one_export_wins_over_found_there_by_another(
    before: None, one: int, other: int, together: int
) -> None:
    insert("delivered", (ONE, "ann@example.com", OLD, 1, 1, one), (OTHER, "ann@example.com", OLD, 2, 2, other))
    migrate()
    assert rows("syncedcontact", "origin") == [("shared", "ann@example.com", together)]


def test_a_removal_by_one_export_holds_for_the_list_and_lets_the_others_send_the_contact_again(
    before: None,
) -> None:
    insert("removed", (ONE, "ann@example.com", "delete", "", 3), (OTHER, "ann@example.com", "mark", "[Left]", 2))
    insert("refused", (OTHER, "ann@example.com", 4, True))
    insert("refused", (OTHER, "ben@example.com", 4, True))
    insert("removed", (ONE, "cid@example.com", "delete", "", 3))
    insert("refused", (OTHER, "cid@example.com", 4, True))
    migrate()
    assert [(row[1], row[2], sorted(row[3])) for row in rows("removedcontact", "deed, exports")] == [
        ("ann@example.com", "delete", [1, 2]),
        ("cid@example.com", "delete", [1]),
    ]
    with database.cursor() as cursor:
        cursor.execute("SELECT email FROM exports_refused ORDER BY email")
        assert [email for (email,) in cursor.fetchall()] == ["ann@example.com", "ben@example.com"]
