"""Query plans of a run's statements on large tables. A moment after a first delivery of a million, PostgreSQL
once searched the plan for every contact on the list, for minutes."""

import pytest

from exports.models import Export, Removal
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import leave
from tests.support.profiles import create_profiles
from tests.support.query_plans import explained, rows_as_planned_with, seems_empty
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 1_200


@pytest.fixture
def export(account: RunningSandbox) -> Export:
    """Make an export of many contacts, which are marked when they leave."""
    create_profiles({"id": str(n), "email": f"p{n}@example.com"} for n in range(PEOPLE))
    list_id = account.create_list("Shop", scope="OnlyThisList", fields=[("Left", "Text")])
    everyone = exports.segment_of_everyone()
    export = exports.export_to(account, exports.sandbox_connection(account), everyone, list_id=list_id)
    export.removal, export.mark_field, export.mark_value = Removal.MARK, "[Left]", "yes"
    export.save()
    return export


def test_the_planner_is_told_of_who_was_delivered(export: Export) -> None:
    run_to_its_end(export)
    assert rows_as_planned_with("exports_syncedcontact") == PEOPLE


@pytest.mark.parametrize(("removal", "questions"), [(Removal.MARK, 2), (Removal.DELETE, 3)])
def test_contacts_who_left_are_not_looked_up_one_by_one(export: Export, removal: Removal, questions: int) -> None:
    run_to_its_end(export)
    Export.objects.filter(pk=export.pk).update(removal=removal)
    another_connection = exports.sandbox_connection(None, name="Other")
    others = exports.segment_of_everyone("Others")
    exports.export_to(None, another_connection, others, list_id=export.list_id, name="Other")
    leave(export.segments.get(), "p1@example.com", "p2@example.com")
    seems_empty("exports_syncedcontact")
    with explained(looks_for_who_left) as plans:
        run_to_its_end(export)
    assert len(plans) == questions, plans
    assert not [plan for plan in plans if "Nested Loop" in plan or "SubPlan" in plan], plans


def looks_for_who_left(sql: str) -> bool:
    """Whether it fills or thins out the table of those who have left."""
    return "leaving" in sql and sql.split(maxsplit=1)[0] in {"CREATE", "INSERT", "DELETE"} and "SELECT" in sql
