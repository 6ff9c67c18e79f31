"""Home: the guide to the first run, as each role sees it."""

import re

import pytest
from django.test import Client

from config.console.home import guide
from config.console.home.guide import Guide, StepState
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Export, Run
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from tests.support.connections import make_connection

pytestmark = pytest.mark.django_db
OVER_HOME = {"HX-Request": "true", "HX-Target": "pane", "HX-Current-URL": "http://testserver/?pane=/segments/add/"}


def guide_of(user: User) -> Guide:
    connections = list(Connection.objects.select_related("export_user").prefetch_related("consents"))
    found = guide.guide_for(User.objects.get(pk=user.pk), connections)
    assert found is not None
    return found


def states(user: User) -> list[str]:
    return [step.state.value for step in guide_of(user).steps]


def buttons(user: User) -> list[str]:
    return [step.button.label for step in guide_of(user).steps if step.button]


def add_data() -> None:
    DataSource.objects.create(name="Shop", key_column="id", profile_count=5)


def add_export(connection: Connection) -> Export:
    return Export.objects.create(name="News", connection=connection, list_id="a" * 32, email_attribute="email")


def test_an_administrator_is_led_from_step_to_step(alice: User) -> None:
    assert states(alice) == ["open", "open", "waiting", "waiting", "waiting"]
    assert buttons(alice) == ["Add connection", "Import file"]
    connection = make_connection(alice)
    assert states(alice) == ["done", "open", "waiting", "waiting", "waiting"]
    add_data()
    assert buttons(alice) == ["New segment"]
    Segment.objects.create(name="Readers", rules={}, member_count=3)
    assert buttons(alice) == ["Add destination"]
    export = add_export(connection)
    assert buttons(alice) == ["Run"]
    run = Run.objects.create(export=export, number=1, trigger="manual")
    assert states(alice)[-1] == StepState.WORKING
    Run.objects.update(status=JobStatus.FAILED, finished_at=clock.now())
    assert buttons(alice) == ["See run"]
    Run.objects.filter(pk=run.pk).update(status=JobStatus.WARNINGS)
    assert guide_of(alice).is_complete


def test_a_contributor_waits_for_a_shared_connection_and_does_the_rest(alice: User, bob: User) -> None:
    connection = make_connection(alice)
    assert states(bob) == ["waiting", "open", "waiting", "waiting", "waiting"]
    assert "An administrator adds a connection and shares it" in str(guide_of(bob).steps[0].sentence)
    Connection.objects.filter(pk=connection.pk).update(allowed_roles=[Role.CONTRIBUTOR])
    add_data()
    assert states(bob) == ["done", "done", "open", "waiting", "waiting"]
    assert buttons(bob) == ["New segment"]


def test_a_viewer_sees_the_states_without_buttons(alice: User, charlie: User, charlie_client: Client) -> None:
    add_data()
    assert states(charlie) == ["waiting", "done", "waiting", "waiting", "waiting"]
    assert buttons(charlie) == []
    assert "Set up the first run" in charlie_client.get("/").content.decode()


def test_work_in_progress_and_dead_ends_are_shown(alice: User) -> None:
    source = DataSource.objects.create(name="Shop", key_column="id")
    job = ImportJob.objects.create(source=source, path="people.csv")
    assert states(alice)[1] == StepState.WORKING
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.FAILED, finished_at=clock.now())
    assert buttons(alice)[-1] == "Open the import"
    DataSource.objects.update(profile_count=2)
    segment = Segment.objects.create(name="Readers", rules={})
    refresh = SegmentRefresh.objects.create(segment=segment)
    assert states(alice)[2] == StepState.WORKING
    SegmentRefresh.objects.filter(pk=refresh.pk).update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    assert buttons(alice)[-1] == "Open segment"
    Connection.objects.create(name="Half done", destination_key="campaign_monitor")
    assert buttons(alice)[0] == "Open connection"


def test_a_complete_guide_can_be_hidden(alice: User, alice_client: Client, bob_client: Client) -> None:
    add_data()
    Segment.objects.create(name="Readers", rules={}, member_count=3)
    export = add_export(make_connection(alice, allowed_roles=[Role.CONTRIBUTOR]))
    assert 'id="hide-guide"' not in alice_client.get("/").content.decode()
    Run.objects.create(
        export=export, number=1, trigger="manual", status=JobStatus.SUCCESSFUL, finished_at=clock.now()
    )
    assert "Everything is set up" in alice_client.get("/").content.decode()
    alice_client.post("/home/guide/hide/")
    assert "Everything is set up" not in alice_client.get("/").content.decode()
    assert "Everything is set up" in bob_client.get("/").content.decode()


def test_the_page_is_not_replaced_while_nothing_changes(alice: User, alice_client: Client) -> None:
    add_data()
    Segment.objects.create(name="Readers", rules={}, member_count=3)
    add_export(make_connection(alice))
    page = alice_client.get("/").content.decode()
    assert "csrfmiddlewaretoken" in page.partition('class="card guide"')[2]
    (live_url,) = re.findall(r'hx-get="(/home/live/[^"]+)"', page)
    assert alice_client.get(live_url).status_code == 204


def test_a_viewer_has_no_complete_guide(alice: User, charlie_client: Client) -> None:
    add_data()
    Segment.objects.create(name="Readers", rules={}, member_count=3)
    export = add_export(make_connection(alice, allowed_roles=[Role.CONTRIBUTOR, Role.VIEWER]))
    Run.objects.create(
        export=export, number=1, trigger="manual", status=JobStatus.SUCCESSFUL, finished_at=clock.now()
    )
    assert 'class="card guide"' not in charlie_client.get("/").content.decode()


def test_a_pane_that_was_opened_over_home_returns_there(bob_client: Client, enqueued: list[object]) -> None:
    typed = {"name": "All", "description": "", "tags": ""}
    answer = bob_client.post("/segments/add/", typed, headers=OVER_HOME)
    assert answer.headers["HX-Redirect"] == "/"
    over_list = OVER_HOME | {"HX-Current-URL": "http://testserver/segments/"}
    answer = bob_client.post("/segments/add/", typed | {"name": "Other"}, headers=over_list)
    assert answer.headers["HX-Redirect"] == f"/segments/{Segment.objects.get(name='Other').pk}/"


def test_an_import_with_rejected_rows_tells_the_numbers_and_leads_to_it(alice: User) -> None:
    add_data()
    counts = {"rows_created": 27, "rows_updated": 2, "rows_refused": 1, "finished_at": clock.now()}
    job = ImportJob.objects.create(
        source=DataSource.objects.get(), file_name="a.csv", path="a", status=JobStatus.WARNINGS, **counts
    )
    guide_now = guide_of(alice)
    step = guide_now.steps[1]
    assert step.is_done
    assert step.sentence == "Last import: 29 rows imported, 1 rejected."
    assert step.button
    assert step.button.url == f"/data/imports/{job.pk}/"
    assert guide_now.current is guide_now.steps[0]
    ImportJob.objects.update(rows_refused=0)
    assert guide_of(alice).steps[1].button is None
