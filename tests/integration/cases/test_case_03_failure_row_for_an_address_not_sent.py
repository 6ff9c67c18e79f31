"""Case 3: a row of a partial failure names an address that was not sent."""

import pytest

from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

PEOPLE = [{"email": f"{name}@example.com", "first_name": name} for name in ("ann", "bo", "cid")]


@pytest.fixture
def export(account: RunningSandbox) -> None:
    create_profiles(PEOPLE)
    mapping = [{"attribute": "first_name", "field": "name"}]
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone(), mapping=mapping)


def refuse_bo_as(account: RunningSandbox, row: dict[str, object]) -> None:
    """Let the sandbox refuse Bo, and name them in the failure row as ``row`` says."""
    bo = ["bo@example.com"]
    refuse = {"kind": "refuse_emails", "emails": bo, "code": 1, "message": "Invalid"}
    account.faults({"rules": [refuse, {"kind": "rewrite_failures", "emails": bo, "row": row}]})


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize("address", [None, "", "someone-else@example.com"])
def test_contacts_of_an_unmatched_failure_row_are_unknown_and_sent_again(
    account: RunningSandbox, address: str | None
) -> None:
    refuse_bo_as(account, {"EmailAddress": address})
    first = run_export()
    assert (first["status"], first["reason"]) == ("warnings", "unaccounted")
    assert (first["delivered"], first["unknown"]) == (0, 3)
    assert first["message"] == "No contact could be sent: 3 unknown."
    account.clear_faults()
    second, third = run_export(), run_export()
    assert (second["status"], second["delivered"], second["unknown"]) == ("successful", 3, 0)
    assert third["reason"] == "nothing_changed"


@pytest.mark.usefixtures("export")
def test_failure_row_in_another_spelling_is_understood(account: RunningSandbox) -> None:
    refuse_bo_as(account, {"EmailAddress": " BO@Example.COM\u200b"})
    run = run_export()
    assert (run["status"], run["delivered"], run["rejected"], run["unknown"]) == ("warnings", 2, 1, 0)


@pytest.mark.usefixtures("export")
def test_further_failure_row_makes_the_results_of_its_batch_unknown(account: RunningSandbox) -> None:
    row = {"EmailAddress": "stranger@example.com", "Code": 206, "Message": "Unsubscribed"}
    account.faults({"rules": [{"kind": "add_failures", "path": "/import", "times": 1, "rows": [row]}]})
    first, second, third = run_export(), run_export(), run_export()
    assert (first["reason"], first["delivered"], first["unknown"]) == ("unaccounted", 0, 3)
    assert (second["status"], second["delivered"], third["reason"]) == ("successful", 3, "nothing_changed")


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize("row", [None, "bo@example.com", {}, {"EmailAddress": 7, "Code": "seven", "Message": []}])
def test_malformed_failure_row_makes_the_results_of_its_batch_unknown(
    account: RunningSandbox, row: object
) -> None:
    account.faults({"rules": [{"kind": "add_failures", "path": "/import", "rows": [row]}]})
    first = run_export()
    assert (first["reason"], first["delivered"], first["unknown"]) == ("unaccounted", 0, 3)
