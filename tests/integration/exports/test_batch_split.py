"""Batches are full but for the last, new contacts come first, and each contact is in one batch in the order of
the plan."""

import pytest
from django.db import connection, transaction

from exports.actions import runs
from exports.batches import writer
from exports.models import Batch, Run
from tests.support import exports
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 3


@pytest.fixture
def run(account: RunningSandbox) -> Run:
    segment = exports.segment_of_everyone()
    export = exports.export_to(account, exports.sandbox_connection(account), segment)
    return runs.start_run(export, by=None)


def cut(run: Run, actions_in_order: str) -> list[tuple[int, int, str]]:
    """The batches of a plan in which person “a” meets the first of these actions (a, u or s for unchanged), “b”
    the next, and so on: the size of each, how many are new, and who is in it."""
    plan = [(chr(ord("a") + at), action) for at, action in enumerate(actions_in_order)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMPORARY TABLE plan ON COMMIT DROP AS
            SELECT 1::bigint AS profile_id, ''::text AS mapped, gen_random_uuid() AS data_hash, email,
                   CASE action WHEN 'a' THEN 'add' WHEN 'u' THEN 'update' ELSE 'unchanged' END AS action
              FROM unnest(%s::text[], %s::text[]) AS person (email, action)
            """,
            [[email for email, _action in plan], [action for _email, action in plan]],
        )
        sizes = writer.cut_into_batches(run, rows=ROWS)
    batches = list(Batch.objects.filter(run=run).order_by("number"))
    assert [batch.size for batch in batches] == sizes
    assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
    assert all(len(batch.payloads) == len(batch.hashes) == batch.size for batch in batches)
    return [(batch.size, batch.adds, "".join(batch.emails)) for batch in batches]


@pytest.mark.parametrize(
    ("plan", "batches"),
    [
        ("", []),
        ("sss", []),
        ("a", [(1, 1, "a")]),
        ("aaa", [(3, 3, "abc")]),
        ("aaaa", [(3, 3, "abc"), (1, 1, "d")]),
        ("uuuu", [(3, 0, "abc"), (1, 0, "d")]),
        ("aaauuu", [(3, 3, "abc"), (3, 0, "def")]),
        ("uauasaua", [(3, 3, "bdf"), (3, 1, "hac"), (1, 0, "g")]),
        ("susuausu", [(3, 1, "ebd"), (2, 0, "fh")]),
    ],
)
def test_batches_are_full_and_new_contacts_come_first(
    run: Run, plan: str, batches: list[tuple[int, int, str]]
) -> None:
    assert cut(run, plan) == batches
