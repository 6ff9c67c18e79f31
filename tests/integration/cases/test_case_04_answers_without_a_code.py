"""Case 4: a failure row with the code null, and an answer with a byte-order mark."""

import orjson

from connections.destinations.campaign_monitor import wire
from connections.destinations.campaign_monitor.answers import Answer
from tests import exporting
from tests.integration.cases.conftest import run_export
from tests.sandbox import RunningSandbox


def test_failure_row_without_a_code_rejects_the_contact_once(account: RunningSandbox) -> None:
    exporting.profiles([{"email": "ann@example.com"}, {"email": "bo@example.com"}])
    exporting.export_to(account, exporting.sandbox_connection(account), exporting.segment_of_everyone())
    bo = ["bo@example.com"]
    refuse = {"kind": "refuse_emails", "emails": bo, "code": 1, "message": "Invalid"}
    account.faults({"rules": [refuse, {"kind": "rewrite_failures", "emails": bo, "row": {"Code": None}}]})
    first, second = run_export(), run_export()
    assert (first["status"], first["delivered"], first["rejected"]) == ("warnings", 1, 1)
    assert (second["unchanged"], second["still_refused"], second["planned"]) == (1, 1, 0)
    assert account.received() == {"ann@example.com": 1}


def test_answer_with_a_byte_order_mark_is_read() -> None:
    result = {
        "FailureDetails": [],
        "TotalUniqueEmailsSubmitted": 2,
        "TotalExistingSubscribers": 1,
        "TotalNewSubscribers": 1,
        "DuplicateEmailsInSubmission": [],
    }
    receipt = wire.read_import(Answer(201, b"\xef\xbb\xbf" + orjson.dumps(result)), bytes_sent=1)
    assert (receipt.new, receipt.existing, receipt.unaccounted) == (1, 1, 0)
