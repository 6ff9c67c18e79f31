"""Case 4: a failure row with the code null, and an answer with a byte-order mark."""

from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox


def export(account: RunningSandbox) -> None:
    create_profiles([{"email": "ann@example.com"}, {"email": "bo@example.com"}])
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())


def test_failure_row_without_a_code_rejects_the_contact_once(account: RunningSandbox) -> None:
    export(account)
    bo = ["bo@example.com"]
    refuse = {"kind": "refuse_emails", "emails": bo, "code": 1, "message": "Invalid"}
    account.faults({"rules": [refuse, {"kind": "rewrite_failures", "emails": bo, "row": {"Code": None}}]})
    first, second = run_export(), run_export()
    assert (first["status"], first["delivered"], first["rejected"]) == ("warnings", 1, 1)
    assert (second["unchanged"], second["previously_rejected"], second["planned"]) == (1, 1, 0)
    assert account.received() == {"ann@example.com": 1}


def test_partial_failure_without_any_code_is_understood(account: RunningSandbox) -> None:
    export(account)
    refuse = {"kind": "refuse_emails", "emails": ["bo@example.com"], "code": 1, "message": "Invalid"}
    account.faults({"rules": [refuse, {"kind": "rewrite_answer", "path": "/import", "values": {"Code": None}}]})
    first, second = run_export(), run_export()
    assert (first["status"], first["delivered"], first["rejected"]) == ("warnings", 1, 1)
    assert (second["previously_rejected"], second["planned"]) == (1, 0)


def test_answers_with_a_byte_order_mark_are_read(account: RunningSandbox) -> None:
    export(account)
    account.faults({"rules": [{"kind": "byte_order_mark"}]})
    first, second = run_export(), run_export()
    assert (first["status"], first["delivered"]) == ("successful", 2)
    assert second["reason"] == "nothing_changed"
    assert account.received() == {"ann@example.com": 1, "bo@example.com": 1}
