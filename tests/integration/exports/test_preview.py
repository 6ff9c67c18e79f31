"""What a run would do, worked out by a worker before anything is sent."""

import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports import policies
from exports.actions import preview
from exports.hooks.subject_access import ExportsPersonalData
from exports.models import Export, ExportPreview, Run
from exports.preview import summary
from exports.privacy import erasure
from exports.results import contact_blocks
from segments.models import Segment, SegmentRefresh
from segments.privacy.subjects import Subject
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.profiles import delete_profiles
from tests.support.sandbox import RunningSandbox


def page(client: Client, export: Export) -> str:
    answer = client.get(f"/data/exports/{export.pk}/preview/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def worked_out(export: Export, by: User) -> ExportPreview:
    job = preview.request(export, by=by)
    preview.work_out(job.pk)
    job.refresh_from_db()
    return job


def in_previews(subject: Subject) -> list[dict[str, Any]]:
    rows: Any = ExportsPersonalData().report(subject)["in_previews"]
    return list(rows)


def outline_of(job: ExportPreview) -> dict[str, Any]:
    assert job.outline is not None
    return dict(job.outline)


def removals_of(outline: dict[str, Any]) -> tuple[int, int]:
    """How many would be removed, and how many would await confirmation."""
    return outline["results"]["not_removed"], outline["results"]["awaiting_confirmation"]


def test_it_says_what_a_run_would_do_and_sends_nothing(
    bob_client: Client, newsletter: Export, account: RunningSandbox, bob: User
) -> None:
    account.clear_requests()
    assert worked_out(newsletter, bob).status == JobStatus.SUCCESSFUL
    assert account.requests()["totals"]["imports"] == 0
    assert not Run.objects.exists()
    shown = page(bob_client, newsletter)
    for words in ("To add", "Excluded", "ann@example.com", "ConsentToTrack", "known after the first run", "Run"):
        assert words in shown, words
    outline = outline_of(ExportPreview.objects.get())
    assert outline["results"]["to_add"] == 3
    assert outline["calls"] == 1


def test_it_tells_the_left_from_the_rejected_and_how_long_it_takes(
    newsletter: Export, account: RunningSandbox, bob: User
) -> None:
    account.import_people([{"EmailAddress": "ben@example.com"}])
    account.set_state(["ben@example.com"], "Unsubscribed")
    account.faults({"rules": [{"kind": "refuse_emails", "emails": ["cid@example.com"], "code": 1}]})
    run_to_its_end(newsletter)
    Connection.objects.update(learned_in_flight=16, max_in_flight=2)  # was lowered since
    outline = outline_of(worked_out(newsletter, bob))
    assert outline["at_once"] == 2
    assert tuple(outline["results"][name] for name in ("suppressed", "previously_rejected", "unchanged")) == (
        1,
        1,
        1,
    )
    assert outline["seconds"] == 0  # no call would be made


def test_it_shows_how_segments_overlap_in_the_same_number_of_queries(
    newsletter: Export, account: RunningSandbox
) -> None:
    job = ExportPreview.objects.create(export=newsletter, export_version=1)

    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            summary.outline(job)
        return len(queries)

    ann = exports.segment_of_everyone("Ann", rules=_is("Ann"))
    newsletter.segments.add(ann)
    before = cost()
    for name in ("Ben", "Cid"):
        newsletter.segments.add(exports.segment_of_everyone(name, rules=_is(name)))
    assert cost() == before
    outline, _sample = summary.outline(job)
    everyone = Segment.objects.get(name="Everyone")
    assert [*sorted((everyone.pk, ann.pk)), 1] in [sorted(pair[:2]) + pair[2:] for pair in outline["overlaps"]]


def test_it_shows_the_overlap(bob_client: Client, newsletter: Export, bob: User) -> None:
    newsletter.segments.add(exports.segment_of_everyone("Ann", rules=_is("Ann")))
    worked_out(newsletter, bob)
    shown = page(bob_client, newsletter)
    assert "Each is sent once" in shown
    assert re.search(r'<th scope="row">Ann</th><td class="number"><span class="muted">·</span></td>', shown)


def test_it_lists_the_first_contacts_to_remove(
    bob_client: Client, charlie_client: Client, newsletter: Export, bob: User
) -> None:
    Export.objects.update(removal="delete")
    run_to_its_end(newsletter)
    delete_profiles("cid@example.com")
    call_command("refresh_segments", "Everyone")
    assert worked_out(Export.objects.get(), bob).sample == [
        {"email": "cid@example.com", "payload": "", "is_removal": True}
    ]
    shown = page(bob_client, newsletter)
    assert "First contacts to remove" in shown
    assert "cid@example.com" in shown
    assert "A run would send no contacts." in shown
    masked = page(charlie_client, newsletter)
    assert "c•••@e•••.com" in masked
    assert "cid@example.com" not in masked


def test_it_lists_contacts_whose_removal_a_guard_would_hold(
    bob_client: Client, newsletter: Export, bob: User
) -> None:
    Export.objects.update(removal="delete")
    run_to_its_end(newsletter)
    deleted = ["ann@example.com", "ben@example.com", "cid@example.com"]  # half of the segment; ANN@… stays
    delete_profiles(*deleted)
    call_command("refresh_segments", "Everyone")
    job = worked_out(Export.objects.get(), bob)
    assert removals_of(outline_of(job)) == (0, 2)
    leaving = [contact["email"] for contact in job.sample if contact.get("is_removal")]
    assert leaving == ["ben@example.com", "cid@example.com"]
    assert "First contacts to remove" in page(bob_client, newsletter)


def test_it_masks_people_for_a_viewer_who_may_not_ask_for_one(
    charlie_client: Client, newsletter: Export, charlie: User, bob: User
) -> None:
    worked_out(newsletter, bob)
    shown = page(charlie_client, newsletter)
    assert "a•••@e•••.com" in shown
    assert "ann@example.com" not in shown
    assert "work-out" not in shown
    assert charlie_client.post(f"/data/exports/{newsletter.pk}/preview/").status_code == 403
    with pytest.raises(PermissionDenied):
        preview.request(newsletter, by=charlie)


def test_it_warns_of_limits(bob_client: Client, newsletter: Export, bob: User, settings: Settings) -> None:
    worked_out(newsletter, bob)
    assert "would end without" not in page(bob_client, newsletter)
    settings.MAX_PROFILES_PER_EXPORT = 2
    Connection.objects.update(limits={"most_people": 1})
    shown = page(bob_client, newsletter)
    assert "sends at most 2 contacts. The run would end" in shown
    assert "allows 1 contacts. The run would end" in shown


def test_it_counts_contacts_that_a_run_would_remove(
    newsletter: Export, bob: User, account: RunningSandbox
) -> None:
    Export.objects.update(removal="delete")
    run_to_its_end(newsletter)
    delete_profiles("cid@example.com")
    call_command("refresh_segments", "Everyone")
    outline = outline_of(worked_out(Export.objects.get(), bob))
    assert removals_of(outline) == (1, 0)
    # Each is looked up first; how long that takes is known once it has been done.
    assert (outline["calls"], outline["seconds"]) == (2, None)
    run_to_its_end(newsletter)
    delete_profiles("ben@example.com")
    call_command("refresh_segments", "Everyone")
    assert outline_of(worked_out(Export.objects.get(), bob))["seconds"] > 0


def test_two_clicks_make_one_preview(bob_client: Client, newsletter: Export, bob: User) -> None:
    url = f"/data/exports/{newsletter.pk}/preview/"
    assert bob_client.post(url)["Location"] == url
    assert preview.request(newsletter, by=bob).pk == ExportPreview.objects.get().pk
    shown = page(bob_client, newsletter)
    assert "Calculating preview" in shown
    assert 'hx-trigger="every' in shown


def test_a_new_one_takes_the_place_of_the_old(newsletter: Export, bob: User) -> None:
    worked_out(newsletter, bob)
    worked_out(newsletter, bob)
    assert ExportPreview.objects.count() == 1


def test_it_says_when_settings_have_changed_since(bob_client: Client, newsletter: Export, bob: User) -> None:
    worked_out(newsletter, bob)
    assert "settings of the export have changed" not in page(bob_client, newsletter)
    Export.objects.update(version=9)
    assert "settings of the export have changed" in page(bob_client, newsletter)


def test_it_says_why_it_could_not_be_worked_out(
    bob_client: Client, newsletter: Export, account: RunningSandbox, bob: User
) -> None:
    Export.objects.update(list_id="f" * 32)
    assert worked_out(newsletter, bob).status == JobStatus.FAILED
    assert "does not have this list" in page(bob_client, newsletter)


def test_it_refuses_without_a_connection(newsletter: Export, bob: User) -> None:
    Export.objects.update(connection=None)
    with pytest.raises(policies.Refusal, match="no connection"):
        preview.request(newsletter, by=bob)


def test_an_erased_person_is_in_no_preview(newsletter: Export, bob: User) -> None:
    worked_out(newsletter, bob)
    subject = Subject([], ["ann@example.com"])
    told = in_previews(subject)
    assert {row["address"] for row in told} == {"ann@example.com"}
    kinds = [row.get("kind", "first contact") for row in told]
    assert kinds == ["first contact", "duplicate", "to_add"]  # two profiles have the address
    erasure.forget(subject)
    assert ExportPreview.objects.get().sample == []
    assert in_previews(subject) == []


def test_a_preview_whose_worker_lost_it_keeps_no_contacts(
    newsletter: Export, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = preview.request(newsletter, by=bob)
    count = contact_blocks.count_suppressed

    def lose(*args: Any) -> int:
        ExportPreview.objects.update(attempt=9)
        return count(*args)

    monkeypatch.setattr(contact_blocks, "count_suppressed", lose)
    preview.work_out(job.pk)
    job.refresh_from_db()
    assert (job.status, job.sample, job.blocks.count()) == (JobStatus.PROCESSING, [], 0)


def test_it_refreshes_the_segments_and_then_runs(bob_client: Client, newsletter: Export) -> None:
    answer = bob_client.post(f"/data/exports/{newsletter.pk}/refresh-and-run/")
    run = Run.objects.get()
    assert answer["Location"] == f"/data/runs/{run.pk}/"
    refresh = SegmentRefresh.objects.exclude(status=JobStatus.SUCCESSFUL).get()
    assert refresh.created_at <= run.created_at  # so the run waits for it


def test_the_list_and_the_pane_lead_to_it(bob_client: Client, newsletter: Export, shared: Connection) -> None:
    listed = bob_client.get("/data/exports/").content.decode()
    assert 'data-href-template="/data/exports/0/preview/"' in listed
    pane = bob_client.get(f"/data/exports/{newsletter.pk}/").content.decode()
    assert 'name="then" value="preview"' in pane


def _is(name: str) -> dict[str, object]:
    return {"join": "and", "rules": [{"attribute": "first_name", "operator": "is", "value": name}]}


def test_each_number_of_a_preview_opens_the_contacts_that_it_counts(
    bob_client: Client, newsletter: Export, account: RunningSandbox, bob: User
) -> None:
    worked_out(newsletter, bob)
    shown = bob_client.get(f"/data/exports/{newsletter.pk}/preview/").content.decode()
    address = f"/data/exports/{newsletter.pk}/preview/contacts/"
    numbers = {kind: int(number) for kind, number in re.findall(r'data-result="(\w+)">([\d,]+)', shown)}
    assert numbers["members"] == sum(
        numbers[kind] for kind in ("unchanged", "excluded", "suppressed", "not_attempted")
    )
    assert (numbers["not_attempted"], numbers["to_add"]) == (3, 3)
    for kind, number in numbers.items():
        listed = bob_client.get(f"{address}?kind={kind}").content.decode()
        assert (f'data-total="{number}"' in listed) == bool(number), kind
    listed = bob_client.get(f"{address}?kind=to_add&q=ann").content.decode()
    assert 'data-total="1"' in listed
    lines = b"".join(bob_client.get(f"{address}download/?kind=members")).decode().splitlines()
    assert len(lines) == numbers["members"] + 1
