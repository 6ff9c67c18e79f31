"""What was read back from lists about a person is in the report, and is gone with an erasure."""

from datetime import timedelta
from typing import Any

import pytest

from config.platform.accounts.models import User
from config.platform.jobs import clock
from exports.feedback import comparison, look
from exports.models import ListComparison, ListWatch, SubscriberStatus
from segments import hooks
from segments.privacy import erase, subject_access
from segments.privacy.subjects import Scope
from tests.integration.exports.conftest import account, everyone, newsletter, run_to_its_end, shared
from tests.integration.exports.test_list_comparison import compare
from tests.support.database_search import tables_with
from tests.support.profiles import get_profile
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "everyone", "newsletter", "sandbox", "sandbox_process", "shared"]

pytestmark = pytest.mark.django_db(transaction=True)

BEN = "ben@example.com"


@pytest.fixture
def known(newsletter: object, account: RunningSandbox) -> None:
    """Ben has unsubscribed, as a comparison has found."""
    run_to_its_end(newsletter)  # type: ignore[arg-type]
    account.set_state([BEN], "Unsubscribed")
    compare()
    assert {"exports_subscriberstatus", "exports_listdrift", "exports_listedcontact"} <= set(tables_with(BEN))


@pytest.mark.usefixtures("known")
def test_the_report_has_what_lists_showed_of_a_person(alice: User) -> None:
    subject = subject_access.find_subject(get_profile(email=BEN), scope=Scope.ADDRESS, same_key=False)
    report: Any = hooks.personal_data.report(subject)
    (kept_out,) = report["kept_out_by_lists"]
    assert (kept_out["code"], kept_out["source"]) == ("unsubscribed", "comparison")
    (differs,) = report["differences_on_lists"]
    assert (differs["address"], differs["kind"]) == (BEN, "state")
    (read,) = report["read_from_lists"]
    assert (read["state"], read["address"]) == ("unsubscribed", BEN)


@pytest.mark.usefixtures("known")
def test_nothing_of_an_erased_person_stays_or_is_read_again(alice: User, account: RunningSandbox) -> None:
    erase.erase(get_profile(email=BEN), scope=Scope.ADDRESS, by=alice)
    assert tables_with(BEN) == []
    ListWatch.objects.update(positions={}, due_at=clock.now() - timedelta(seconds=1))
    look.look(ListWatch.objects.get().pk)
    comparison.request(ListComparison.objects.latest("pk").list_state)
    compare()
    assert tables_with(BEN) == []
    assert not SubscriberStatus.objects.exists()
