"""Case 14: two exports to one list; one deletes a contact who then joins the segment of the other."""

from exports.models import Removal
from tests.support import exports
from tests.support.members import CROWD, crowd_of, join, leave, states
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox


def test_a_contact_that_one_export_deleted_comes_back_when_another_wants_it(account: RunningSandbox) -> None:
    crowd = crowd_of(CROWD)
    others = exports.segment_of_everyone("Others")
    leave(others, CROWD[0])
    deleting = export_of(account, crowd, Removal.DELETE)
    other = export_of(
        account, others, Removal.LEAVE, list_id=deleting.list_id, connection=deleting.connection, name="Other"
    )
    run(deleting)
    run(other)
    leave(crowd, CROWD[0])
    assert run(deleting).removed == 1
    assert states(account, deleting.list_id)[CROWD[0]] == "Deleted"
    join(others, CROWD[0])
    assert run(other).delivered == 1
    assert states(account, deleting.list_id)[CROWD[0]] == "Active"
