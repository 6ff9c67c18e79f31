"""Case 2: the only member was rejected, or is unsubscribed, and nothing has changed since."""

import pytest

from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

SAME_DATA = "No contact could be sent: 1 previously rejected, data unchanged."


@pytest.fixture
def ann(account: RunningSandbox) -> None:
    create_profiles([{"email": "ann@example.com", "first_name": "Ann"}])
    mapping = [{"attribute": "first_name", "field": "name"}]
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone(), mapping=mapping)


@pytest.mark.usefixtures("ann")
def test_a_contact_rejected_before_is_named(account: RunningSandbox) -> None:
    account.faults({"rules": [{"kind": "refuse_emails", "emails": ["ann@example.com"], "code": 210}]})
    first, second = run_export(), run_export()
    assert (first.code, first["status"], first["message"]) == (
        4,
        "warnings",
        "No contact could be sent: 1 rejected.",
    )
    assert (second.code, second["status"], second["message"]) == (4, "warnings", SAME_DATA)


@pytest.mark.usefixtures("ann")
def test_a_contact_suppressed_before_is_named(account: RunningSandbox) -> None:
    account.import_people([{"EmailAddress": "ann@example.com"}])
    account.set_state(["ann@example.com"], "Unsubscribed")
    first, second = run_export(), run_export()
    for each in (first, second):  # the list keeps the contact out still
        assert (each.code, each["status"]) == (4, "warnings")
        assert each["message"] == "No contact could be sent: 1 suppressed."
