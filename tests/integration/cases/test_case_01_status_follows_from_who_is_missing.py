"""Case 1: every member is excluded, or the segment is empty."""

from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

MAPPING = [{"attribute": "first_name", "field": "name"}]


def test_a_run_whose_members_are_all_excluded_is_not_successful(account: RunningSandbox) -> None:
    create_profiles([{"email": "bad"}, {"email": None}, {"email": "a@@x"}, {"email": None}, {"email": "@x.y"}])
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone(), mapping=MAPPING)
    run = run_export()
    assert (run.code, run["status"], run["reason"]) == (4, "warnings", "no_contact_sent")
    assert run["message"] == "No contact could be sent: 5 excluded."


def test_a_run_of_an_empty_segment_is_not_successful(account: RunningSandbox) -> None:
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone(), mapping=MAPPING)
    run = run_export()
    assert (run.code, run["status"], run["reason"], run["members"]) == (4, "warnings", "no_members", 0)


def test_a_run_with_excluded_members_does_not_say_that_nothing_has_changed(account: RunningSandbox) -> None:
    create_profiles([{"email": "ann@example.com"}, {"email": "bad"}])
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone(), mapping=MAPPING)
    first, second = run_export(), run_export()
    assert (first.code, first["status"], first["message"]) == (0, "successful", "Not delivered: 1 excluded.")
    assert (second.code, second["reason"], second["message"]) == (0, "nothing_new", "Not delivered: 1 excluded.")
