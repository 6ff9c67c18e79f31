"""The panes that change the type of an attribute and merge it: preview, refusals, and what they queue."""

import re
from pathlib import Path

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.models import AuditEntry
from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from segments import actions as segment_actions
from segments.attribute_changes import job
from segments.models import AttributeChange, DataSource, ImportJob
from segments.sources.column_plan import ColumnPlan, ColumnType
from tests.support.attribute_changes import attribute, import_file, request_retype, retype, text_plan, values
from tests.support.identity import set_rules

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true", "HX-Target": "pane"}
PAGE, STATUS = "/data/attributes/", "/data/attributes/change/"
CANCEL = "/data/attributes/change/cancel/"


def address(name: str, what: str = "type") -> str:
    return f"/data/attributes/{attribute(name).pk}/{what}/"


def fields(html: str) -> dict[str, str]:
    """Return the names and values of the inputs and choices of a pane, as a browser would post them."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", html):
        if (name := re.search(r'name="([^"]+)"', tag)) and 'type="checkbox"' not in tag:
            value = re.search(r'value="([^"]*)"', tag)
            found[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]*selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


@pytest.fixture(autouse=True)
def _born(tmp_path: Path, db: None) -> None:
    import_file(
        tmp_path / "a.csv",
        "id,born,city\n1,29.02.2024,Turku\n2,1.3.2024,Oulu\n3,N/A,\n4,soon,\n",
        source="Shop",
        plans=text_plan("born", "city"),
    )


def test_a_type_is_chosen_with_a_guessed_format_and_a_preview(bob_client: Client) -> None:
    html = bob_client.get(address("born"), headers=HTMX).content.decode()
    assert "Change the type of “born”" in html
    html = bob_client.get(address("born"), {"type": "date"}, headers=HTMX).content.decode()
    given = fields(html)
    (source,) = {name.split("-")[0] for name in given if name.endswith("-date_format")}
    assert (given[f"{source}-date_format"], given[f"{source}-null_words"]) == ("%d.%m.%Y", "N/A")
    assert "<legend>Shop</legend>" in html
    assert "2 of 4 values fit." in " ".join(html.split())
    assert "1 value does not fit and becomes empty." in html
    assert "1 value means “no value”." in html
    assert "<td>29.02.2024</td><td>2024-02-29</td>" in html
    assert "<code>soon</code>" in html


def test_a_save_queues_the_change_and_the_page_says_so(bob_client: Client) -> None:
    html = bob_client.get(address("born"), {"type": "date"}, headers=HTMX).content.decode()
    answer = bob_client.post(address("born"), fields(html), headers=HTMX)
    assert answer["HX-Redirect"] == PAGE
    change = AttributeChange.objects.get()
    assert (change.status, change.accepted_misfits) == (JobStatus.QUEUED, 1)
    assert "The type of “born” is being changed to Date." in bob_client.get(PAGE).content.decode()
    assert job.run_change(change.pk) is not None
    assert values("born") == ["2024-02-29", "2024-03-01", None, None]
    live = bob_client.get(STATUS).content.decode()
    assert ("is being changed" in live, 'hx-trigger="load"' in live) == (False, True)


def test_a_format_that_was_changed_after_the_preview_is_previewed_first(bob_client: Client) -> None:
    html = bob_client.get(address("born"), {"type": "date"}, headers=HTMX).content.decode()
    given = fields(html)
    (name,) = [name for name in given if name.endswith("-date_format")]
    html = bob_client.post(address("born"), {**given, name: "%m/%d/%Y"}, headers=HTMX).content.decode()
    assert "0 of 4 values fit." in " ".join(html.split())
    assert not AttributeChange.objects.exists()


def test_the_preview_button_previews(bob_client: Client) -> None:
    html = bob_client.get(address("born"), {"type": "date"}, headers=HTMX).content.decode()
    html = bob_client.post(address("born"), {**fields(html), "act": "preview"}, headers=HTMX).content.decode()
    assert "2 of 4 values fit." in " ".join(html.split())
    assert not AttributeChange.objects.exists()


def test_a_wrong_format_is_named(bob_client: Client) -> None:
    html = bob_client.get(address("born"), {"type": "datetime"}, headers=HTMX).content.decode()
    given = fields(html)
    (name,) = [name for name in given if name.endswith("-time_zone")]
    answer = bob_client.post(address("born"), {**given, name: "Mars"}, headers=HTMX)
    assert answer.status_code == 422
    assert "There is no time zone with this name." in answer.content.decode()


def test_a_segment_that_cannot_use_the_type_is_linked(bob_client: Client) -> None:
    rule = {"attribute": "born", "operator": "contains", "value": "2024"}
    tree = {"join": "and", "rules": [rule]}
    segment = segment_actions.create_segment(name="Of 2024", rules_tree=tree, by=None, wake_worker=False)
    answer = bob_client.get(address("born"), {"type": "date"}, headers=HTMX)
    assert answer.status_code == 409
    assert f'href="/segments/{segment.pk}/"' in answer.content.decode()
    assert "“Of 2024” cannot use “born” with the type Date." in answer.content.decode()


def test_a_pane_that_another_user_has_outdated_changes_nothing(bob_client: Client, alice: User) -> None:
    html = bob_client.get(address("born"), {"type": "date"}, headers=HTMX).content.decode()
    retype("born", ColumnType.LIST, by=alice)
    retype("born", ColumnType.TEXT, by=alice)
    answer = bob_client.post(address("born"), fields(html), headers=HTMX)
    assert answer.status_code == 409
    assert "Another user has changed the attribute." in answer.content.decode()
    assert AttributeChange.objects.count() == 2


def test_a_change_that_no_worker_has_begun_is_canceled_at_once(bob_client: Client, bob: User) -> None:
    change = request_retype("born", ColumnType.DATE, by=bob, accepted=4)
    page = bob_client.get(PAGE).content.decode()
    assert f'name="change" value="{change.pk}"' in page
    assert bob_client.post(CANCEL, {"change": change.pk}).status_code == 302
    change.refresh_from_db()
    assert change.status == JobStatus.CANCELED
    assert "is being changed to" not in bob_client.get(PAGE).content.decode()
    assert AuditEntry.objects.filter(action="change canceled", target_name="born").exists()


def test_a_worker_cancels_the_change_that_it_has_begun(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    change = request_retype("born", ColumnType.DATE, by=bob, accepted=4)

    def canceled(attribute_change: AttributeChange, lease: HeldLease) -> None:
        lease.cancel_requested.set()
        job_change(attribute_change, lease)

    job_change = job._change
    monkeypatch.setattr(job, "_change", canceled)
    done = job.run_change(change.pk)
    assert done is not None
    assert (done.status, done.message) == (JobStatus.CANCELED, "")
    assert values("born") == ["29.02.2024", "1.3.2024", "N/A", "soon"]


@pytest.mark.parametrize("posted", ["", "x", "999999"])
def test_a_change_that_has_ended_is_not_canceled(bob_client: Client, posted: str) -> None:
    assert bob_client.post(CANCEL, {"change": posted}).status_code == 302


def test_viewers_cancel_nothing(charlie_client: Client, bob: User) -> None:
    change = request_retype("born", ColumnType.DATE, by=bob, accepted=4)
    assert charlie_client.post(CANCEL, {"change": change.pk}).status_code == 403
    assert 'name="change"' not in charlie_client.get(PAGE).content.decode()


def test_a_failed_change_is_explained_on_the_page(bob_client: Client, bob: User) -> None:
    retype("born", ColumnType.DATE, by=bob)
    assert "“born” was not changed: 4 values do not fit" in bob_client.get(PAGE).content.decode()


def test_users_who_see_masked_data_get_shapes_of_values(
    bob_client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = User.may
    monkeypatch.setattr(User, "may", lambda user, what: what != Permission.PERSONAL_DATA_SEE and may(user, what))
    html = bob_client.get(address("born"), {"type": "date"}, headers=HTMX).content.decode()
    assert ("29.02.2024</td>" in html, "soon" in html, "<code>aaaa</code>" in html) == (False, False, True)
    html = bob_client.get(address("born", "merge"), {"into": attribute("city").pk}, headers=HTMX).content.decode()
    assert ("Turku" in html, "Preview" in html) == (False, True)


def test_a_merge_is_previewed_and_queued(tmp_path: Path, bob_client: Client) -> None:
    import_file(tmp_path / "b.csv", "id,birthday\n9,2000-01-01\n", source="CRM")
    birthday = attribute("birthday").pk
    html = bob_client.get(address("born", "merge"), {"into": birthday}, headers=HTMX).content.decode()
    assert "2 profiles get a value." in " ".join(html.split())
    assert "<td>29.02.2024</td><td>2024-02-29</td>" in html
    answer = bob_client.post(address("born", "merge"), fields(html), headers=HTMX)
    assert answer["HX-Redirect"] == PAGE
    assert "“born” is being merged into “birthday”." in bob_client.get(PAGE).content.decode()
    done = job.run_change(AttributeChange.objects.get().pk)
    assert done is not None
    assert (done.status, done.message) == (JobStatus.WARNINGS, "")
    assert values("birthday") == ["2024-02-29", "2024-03-01", None, None, "2000-01-01"]


def test_two_columns_of_one_source_are_named(bob_client: Client) -> None:
    into = {"into": attribute("city").pk}
    answer = bob_client.get(address("born", "merge"), into, headers=HTMX)
    assert answer.status_code == 409
    assert "“Shop” imports the columns “born” and “city”" in answer.content.decode()


@pytest.mark.parametrize("what", ["type", "merge"])
def test_viewers_cannot_open_it(charlie_client: Client, what: str) -> None:
    assert charlie_client.get(address("born", what)).status_code == 403


def test_a_plan_of_the_data_source_is_the_first_proposal(tmp_path: Path, bob_client: Client) -> None:
    plan = ColumnPlan("age", type=ColumnType.NUMBER, null_words=("none",))
    import_file(tmp_path / "c.csv", "id,age\n1,1.5\n2,2\n", source="Ages", plans=[plan])
    html = bob_client.get(address("age"), {"type": "number"}, headers=HTMX).content.decode()
    assert "2 of 2 values fit." in " ".join(html.split())


def test_the_page_shows_how_far_a_change_is(bob_client: Client, bob: User) -> None:
    change = request_retype("born", ColumnType.DATE, by=bob, accepted=4)
    assert "Waiting for a worker" in bob_client.get(PAGE).content.decode()
    AttributeChange.objects.update(status=JobStatus.PROCESSING, attempt=1, progress_total=100)
    for percent, doing in [
        (1, "Converting values"),
        (30, "Writing values<"),
        (65, "Writing values of unified profiles"),
        (95, "Updating segments and exports"),
    ]:
        AttributeChange.objects.filter(pk=change.pk).update(progress_done=percent)
        html = bob_client.get(STATUS).content.decode()
        assert doing in html
        assert f'<progress class="progress__bar" max="100" value="{percent}"' in html


def test_the_page_names_what_a_change_waits_for(bob_client: Client, bob: User) -> None:
    request_retype("born", ColumnType.DATE, by=bob, accepted=4)
    source = DataSource.objects.get(name="Shop")
    ImportJob.objects.create(source=source, file_name="new.csv", path="/new.csv", status=JobStatus.PROCESSING)
    assert "Waiting until this ends: “new.csv”" in bob_client.get(STATUS).content.decode()


def test_a_worker_reports_each_step_of_a_change(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[object] = []
    monkeypatch.setattr(HeldLease, "report", lambda _lease, **progress: steps.append(progress["progress_done"]))
    set_rules({})  # profiles are unified, though none is with another
    assert retype("born", ColumnType.DATE, by=bob, accepted=4).status == JobStatus.WARNINGS
    assert steps == [1, 30, 65, 95]
