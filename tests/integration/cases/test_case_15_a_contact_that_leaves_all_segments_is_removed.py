"""Case 15: two exports to one list; a contact added by one and sent by the other, too, leaves both segments."""

from exports.models import Removal
from tests.support import exports
from tests.support.members import CROWD, crowd_of, leave, states
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox


def test_a_contact_that_left_the_segments_of_both_exports_is_removed_by_the_last_run(
    account: RunningSandbox,
) -> None:
    crowd = crowd_of(CROWD)
    others = exports.segment_of_everyone("Others")
    one = export_of(account, crowd, Removal.DELETE)
    other = export_of(
        account, others, Removal.DELETE, list_id=one.list_id, connection=one.connection, name="Other"
    )
    run(one)
    run(other)
    leave(crowd, CROWD[0])
    assert (run(one).removed, states(account, one.list_id)[CROWD[0]]) == (0, "Active")  # the other wants it
    leave(others, CROWD[0])
    assert (run(other).removed, states(account, one.list_id)[CROWD[0]]) == (1, "Deleted")
