"""Case 8: numbers in answers that are larger than a person, a batch or a column of the database could be."""

from typing import Any

import pytest

from exports.models import Run
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

LARGE = [
    pytest.param(2**31, id="2^31"),
    pytest.param(2**53 + 1, id="2^53"),
    pytest.param(2**63, id="2^63"),
    pytest.param(10**300, id="10^300"),
]


@pytest.fixture
def export(account: RunningSandbox) -> None:
    create_profiles([{"email": f"{name}@example.com"} for name in ("ann", "bo", "cid")])
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())


def answer_with(account: RunningSandbox, path: str, **values: Any) -> None:
    account.faults({"rules": [{"kind": "rewrite_answer", "path": path, "values": values}]})


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize("number", [*LARGE, -1])
@pytest.mark.parametrize("name", ["TotalNewSubscribers", "TotalExistingSubscribers", "TotalUniqueEmailsSubmitted"])
def test_results_are_unknown_when_figures_exceed_the_batch(
    account: RunningSandbox, name: str, number: float
) -> None:
    answer_with(account, "/import", **{name: number})
    first = run_export()
    assert (first["reason"], first["delivered"], first["unknown"]) == ("unaccounted", 0, 3)
    account.clear_faults()
    second, third = run_export(), run_export()
    assert (second["status"], second["delivered"], third["reason"]) == ("successful", 3, "nothing_changed")


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize(("number", "kept"), [(2**31, 2**31), (2**53, 2**53), (2**63, None), (-1, None)])
def test_count_of_a_list_is_kept_as_far_as_it_can_be(
    account: RunningSandbox, number: float, kept: int | None
) -> None:
    later = {"kind": "rewrite_answer", "path": "/stats", "skip": 1, "values": {"TotalActiveSubscribers": number}}
    account.faults({"rules": [later]})  # the first look is before the run
    assert run_export()["status"] == "successful"
    assert Run.objects.get().active_on_list == kept


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize("number", LARGE)
def test_failure_row_with_a_very_large_code_rejects_the_contact(account: RunningSandbox, number: int) -> None:
    bo = ["bo@example.com"]
    refuse = {"kind": "refuse_emails", "emails": bo, "code": 1, "message": "Invalid"}
    account.faults({"rules": [refuse, {"kind": "rewrite_failures", "emails": bo, "row": {"Code": number}}]})
    run = run_export()
    assert (run["status"], run["delivered"], run["rejected"]) == ("warnings", 2, 1)
