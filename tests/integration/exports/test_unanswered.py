"""People who were sent when their run ended, without an answer, and what the next run learns of them."""

import pytest

from exports.models import Delivered, Export, Refused, Run
from exports.recording_unanswered import UNKNOWN_DATA
from tests.integration.exports.conftest import run_to_its_end
from tests.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_answer(run: Run, email: str) -> None:
    """As if ``run`` had sent them and never heard."""
    known = Delivered.objects.filter(last_run_id=run.pk).first()
    assert known is not None
    Refused.objects.all().delete()
    Delivered.objects.create(
        delivered_set=known.delivered_set,
        email=email,
        data_hash=UNKNOWN_DATA,
        first_run_id=run.pk,
        last_run_id=run.pk,
    )


def test_whoever_the_list_leaves_as_they_are_was_not_brought(newsletter: Export, account: RunningSandbox) -> None:
    account.set_state(["ben@example.com"], "Unsubscribed")
    lose_the_answer(run_to_its_end(newsletter), "ben@example.com")
    run = run_to_its_end(newsletter)
    assert (run.planned, run.left) == (1, 1)
    assert not Delivered.objects.filter(email="ben@example.com").exists()
    assert run_to_its_end(newsletter).planned == 0
