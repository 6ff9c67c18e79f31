"""`manage.py run_export NAME --preview --json`: the number of requests that marks and deletions would take."""

import io
import json

import pytest
from django.core.management import call_command

from exports.models import Removal
from segments.models import Segment
from tests.support.members import CROWD, leave
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


@pytest.mark.parametrize(("removal", "calls"), [(Removal.MARK, 2), (Removal.DELETE, 6)])
def test_marks_are_looked_up_by_the_batch_and_deletions_one_by_one(
    account: RunningSandbox, crowd: Segment, removal: Removal, calls: int
) -> None:
    export = export_of(account, crowd, removal)
    run(export)
    leave(crowd, *CROWD[:3])
    out = io.StringIO()
    call_command("run_export", export.name, "--preview", "--json", stdout=out)
    assert json.loads(out.getvalue())["calls"] == calls
