"""Failure rows of an import that marks contacts who left: spelled in another way, or of addresses not sent."""

import pytest

from exports.models import Removal, RemovedContact
from segments.models import Segment
from tests.support.members import CROWD, crowd_of, join, leave
from tests.support.removals import export_of, marks, run
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

LEFT = CROWD[:3]


@pytest.fixture
def crowd(account: RunningSandbox) -> Segment:
    return crowd_of(CROWD)


def refuse(account: RunningSandbox, address: str) -> None:
    """Let the next import answer a failure row for the address, beside what it does."""
    row = {"EmailAddress": address, "Code": 1, "Message": "Invalid"}
    account.faults({"rules": [{"kind": "add_failures", "path": "/import", "times": 1, "rows": [row]}]})


def test_a_refused_mark_is_matched_whatever_the_spelling(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    leave(crowd, *LEFT)
    refuse(account, f" {LEFT[0].upper()}\u200b")
    ended = run(export)
    assert (ended.to_remove, ended.removed, ended.not_removed) == (3, 2, 1)
    again = run(export)
    assert (again.to_remove, again.removed, again.not_removed) == (1, 1, 0)


def test_a_refused_mark_of_another_address_leaves_the_batch_to_the_next_run(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    leave(crowd, *LEFT)
    refuse(account, "stranger@example.com")
    ended = run(export)
    assert (ended.to_remove, ended.removed, ended.not_removed) == (3, 0, 3)
    assert set(ended.outcomes.filter(kind="kept").values_list("code", flat=True)) == {"unmatched"}
    again = run(export)
    assert (again.to_remove, again.removed, again.not_removed) == (3, 3, 0)
    assert marks(account, export.list_id) == set(LEFT)


def test_a_contact_whose_mark_is_unknown_loses_it_on_return(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.MARK)
    run(export)
    leave(crowd, *LEFT)
    refuse(account, "stranger@example.com")
    run(export)
    assert RemovedContact.objects.count() == len(LEFT)
    join(crowd, *LEFT)
    ended = run(export)
    assert ended.delivered == len(LEFT)
    assert marks(account, export.list_id) == set()
