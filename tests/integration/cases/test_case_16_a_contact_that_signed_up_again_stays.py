"""Case 16: a contact that we added unsubscribes, signs up again without us, and leaves the segment."""

import pytest

from exports.models import Removal
from tests.support.members import CROWD, crowd_of, leave, states
from tests.support.removals import export_of, marks, run
from tests.support.sandbox import RunningSandbox


@pytest.mark.parametrize("removal", [Removal.DELETE, Removal.UNSUBSCRIBE, Removal.MARK])
def test_a_contact_that_signed_up_again_without_us_stays(account: RunningSandbox, removal: Removal) -> None:
    crowd = crowd_of(CROWD)
    export = export_of(account, crowd, removal)
    run(export)
    account.set_state([CROWD[0]], "Unsubscribed", export.list_id)
    # Later than the run that added them.
    again = {"list_id": export.list_id, "emails": [CROWD[0]], "state": "Active", "since": "2999-01-01 00:00:00"}
    account.door("POST", "states", json=again)
    leave(crowd, CROWD[0], CROWD[1])
    ended = run(export)
    assert (ended.removed, ended.kept) == (1, 1)
    assert states(account, export.list_id)[CROWD[0]] == "Active"
    assert marks(account, export.list_id) == ({CROWD[1]} if removal == Removal.MARK else set())
    assert run(export).to_remove == 0  # known as found there from then on
