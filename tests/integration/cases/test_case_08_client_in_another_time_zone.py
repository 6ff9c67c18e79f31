"""Case 8: dates of a list are in the time zone of its client, which may differ from that of the account."""

import pytest

from exports.models import Export, Origin, Removal, Run, SyncedContact
from segments.models import Segment
from tests.support.members import CROWD, crowd_of, leave, states
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox

UTC_ZONE = "(GMT) Coordinated Universal Time"
SYDNEY = "(GMT+10:00) Canberra, Melbourne, Sydney"
NEW_YORK = "(GMT-05:00) Eastern Time (US & Canada)"
MINSK = "(GMT+02:00) Minsk"  # an offset of long ago: which one the vendor goes by is not known


@pytest.fixture
def crowd(account: RunningSandbox) -> Segment:
    return crowd_of(CROWD)


def put_into(account: RunningSandbox, *, client: str, itself: str) -> None:
    basics = {"CompanyName": "Sandbox client", "Country": "Australia", "TimeZone": client}
    account.api("PUT", f"/clients/{account.client_id}/setbasics.json", json=basics).raise_for_status()
    account.door("PUT", "account", json={"time_zone": itself})


def add_where_only_dates_tell(account: RunningSandbox, crowd: Segment) -> Run:
    """Run an export of contacts of which two were on the list before, so that its answer tells the origin of
    none."""
    export = export_of(account, crowd, Removal.DELETE)
    account.set_state(CROWD[:2], "Active", export.list_id, joined="2020-01-01 00:00:00")
    ended = run(export)
    assert set(SyncedContact.objects.values_list("origin", flat=True)) == {Origin.UNKNOWN}
    return ended


@pytest.mark.parametrize(
    ("client", "itself"), [(UTC_ZONE, UTC_ZONE), (SYDNEY, UTC_ZONE), (UTC_ZONE, SYDNEY), (NEW_YORK, SYDNEY)]
)
def test_contacts_that_the_export_added_are_removed_whatever_the_time_zone(
    account: RunningSandbox, crowd: Segment, client: str, itself: str
) -> None:
    put_into(account, client=client, itself=itself)
    first = add_where_only_dates_tell(account, crowd)
    leave(crowd, *CROWD[:4])
    ended = run(first.export)
    assert (ended.to_remove, ended.removed, ended.kept) == (4, 2, 2)
    found = states(account, first.list_id)
    assert [found[email] for email in CROWD[:4]] == ["Active", "Active", "Deleted", "Deleted"]


def test_contacts_stay_where_the_time_zone_is_not_known(account: RunningSandbox, crowd: Segment) -> None:
    put_into(account, client=MINSK, itself=UTC_ZONE)
    first = add_where_only_dates_tell(account, crowd)
    leave(crowd, *CROWD[:4])
    ended = run(first.export)
    assert (ended.to_remove, ended.removed, ended.kept) == (4, 0, 4)


def test_a_run_asks_for_the_client_of_its_list_once(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    searches = ("/clients.json", f"{account.client_id}/lists.json")
    Export.objects.update(list_group="")  # as an export of version 0.1
    for searched in (True, False):
        account.clear_requests()
        run(export)
        export.refresh_from_db()
        assert export.list_group == account.client_id
        paths = [call["path"] for call in account.requests()["requests"]]
        assert f"/api/v3.3/clients/{account.client_id}.json" in paths
        assert any(path.endswith(searches) for path in paths) == searched


def test_a_client_that_cannot_be_read_stops_no_run(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    Export.objects.update(list_group="")
    refuse = {"kind": "error", "status": 401, "code": 102, "method": "GET", "path": "/clients"}
    account.faults({"rules": [refuse]})
    ended = run(export)
    export.refresh_from_db()
    assert (ended.status, ended.delivered, export.list_group) == ("successful", len(CROWD), "")
    assert ended.snapshot.clock_there
