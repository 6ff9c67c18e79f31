"""The page of an export's list: how changes come back, who is suppressed, and who differs."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from exports.actions import preview
from exports.feedback import comparison, watches
from exports.models import Export, ListComparison, ListState, ListWebhook, SubscriberStatus
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_list_comparison import compare
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BEN, CID = "ann@example.com", "ben@example.com", "cid@example.com"


def page(client: Client, export: Export, query: str = "") -> str:
    answer = client.get(reverse("exports:list_state", args=[export.pk]) + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def compared(account: RunningSandbox, newsletter: Export) -> ListComparison:
    """Ben has unsubscribed, Cid's address was changed, and a person has signed up."""
    run_to_its_end(newsletter)
    account.set_state([BEN], "Unsubscribed", since="2026-03-04 05:06:07")
    body = {"EmailAddress": "cidney@example.com", "ConsentToTrack": "Unchanged"}
    account.api("PUT", f"/subscribers/{account.list_id}.json", params={"email": CID}, json=body)
    return compare()


@pytest.mark.usefixtures("compared")
def test_it_shows_who_is_suppressed_since_when_and_how_that_is_known(
    bob_client: Client, newsletter: Export
) -> None:
    shown = page(bob_client, newsletter)
    for words in (BEN, "2026-03-04 05:06:07", "Comparison with the list", "Only the subscriber can change that"):
        assert words in shown, words
    assert ANN not in shown


@pytest.mark.parametrize(("kind", "email"), [("gone", CID), ("not_ours", "cidney@example.com"), ("state", BEN)])
@pytest.mark.usefixtures("compared")
def test_every_number_leads_to_its_contacts(kind: str, email: str, bob_client: Client, newsletter: Export) -> None:
    assert f'href="?kind={kind}"' in page(bob_client, newsletter)
    assert email in page(bob_client, newsletter, f"?kind={kind}")
    nothing = page(bob_client, newsletter, f"?kind={kind}&q=absent")
    assert email not in nothing
    assert "Clear search" in nothing
    empty = page(bob_client, newsletter, "?kind=data")
    assert "The list has no contacts in this group." in empty
    assert "Clear search" not in empty


@pytest.mark.usefixtures("compared")
def test_contacts_are_downloaded_and_that_is_recorded(bob_client: Client, newsletter: Export) -> None:
    url = reverse("exports:list_state_download", args=[newsletter.pk])
    lines = b"".join(bob_client.get(url).streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "email,code,since,known_since,source"
    assert lines[1].startswith(f"{BEN},unsubscribed,2026-03-04 05:06:07,")
    bob_client.get(url, {"kind": "gone", "q": "cid"})
    changes = AuditEntry.objects.filter(action="downloaded").latest("pk").changes
    assert changes == {"people": [None, {"kind": "gone", "q": "…"}]}


@pytest.mark.usefixtures("compared")
def test_viewers_see_masked_addresses_and_cannot_search(charlie_client: Client, newsletter: Export) -> None:
    shown = page(charlie_client, newsletter, "?q=ben")
    assert BEN not in shown
    assert "Personal data is masked" in shown
    assert 'id="list-search"' not in shown
    assert "1 – 1" in shown or "masked" in shown
    assert charlie_client.get(reverse("exports:list_state_download", args=[newsletter.pk])).status_code == 403
    assert charlie_client.post(reverse("exports:compare_list", args=[newsletter.pk])).status_code == 403


def test_it_tells_of_the_webhook(bob_client: Client, newsletter: Export, settings: Settings) -> None:
    assert "no address for webhooks" in page(bob_client, newsletter)
    settings.LIST_WEBHOOK_URL = "https://exports.example.com"
    assert "Being created" in page(bob_client, newsletter)
    watches.make_missing()
    state = ListState.objects.get()
    webhook = ListWebhook.objects.create(list_state=state, account=state.account, list_id=state.list_id)
    ListWebhook.objects.update(message="timeout")
    assert "Not created" in page(bob_client, newsletter)
    ListWebhook.objects.update(message="", remote_id="x", checked_at=clock.now(), received_at=clock.now())
    shown = page(bob_client, newsletter)
    assert "Last call" in shown
    assert str(webhook.pk) not in re.findall(r"/hooks/lists/(\d+)/", shown)


def test_a_comparison_is_started_by_users_who_manage_the_export(bob_client: Client, newsletter: Export) -> None:
    watches.make_missing()
    url = reverse("exports:compare_list", args=[newsletter.pk])
    assert 'id="compare-list"' in page(bob_client, newsletter)
    assert bob_client.post(url).status_code == 302
    assert bob_client.post(url).status_code == 302  # the second click
    assert ListComparison.objects.count() == 1
    assert "In progress: 0 pages read" in page(bob_client, newsletter)
    assert AuditEntry.objects.filter(action="list_compared").count() == 1
    while comparison.compare(ListComparison.objects.get().pk):
        pass
    assert "In progress" not in page(bob_client, newsletter)


def test_contacts_that_differ_are_sent_again_by_a_run_with_a_preview(
    compared: ListComparison, bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    url = reverse("exports:repair_list", args=[newsletter.pk])
    assert 'id="repair-list"' in page(bob_client, newsletter, "?kind=gone")
    assert 'id="repair-list"' not in page(bob_client, newsletter)
    assert "You see a preview first." in bob_client.get(url).content.decode()
    answer = bob_client.post(url)
    assert answer["Location"] == reverse("exports:preview", args=[newsletter.pk])
    preview.work_out(newsletter.previews.get().pk)
    shown = newsletter.previews.get()
    assert (shown.status, shown.blocks.get(kind="to_update").emails) == ("successful", [CID])
    assert shown.blocks.get(kind="suppressed").emails == [BEN]
    run = run_to_its_end(newsletter)
    assert (run.planned, run.still_suppressed, run.unchanged) == (1, 1, 1)
    assert account.counts()["Active"] == 3
    assert compare().gone == 0


def test_an_export_without_a_connection_has_an_empty_page(bob_client: Client, newsletter: Export) -> None:
    Export.objects.update(connection=None)
    assert "The list has no contacts in this group." in page(bob_client, newsletter)
    assert bob_client.get(reverse("exports:list_state", args=[newsletter.pk]) + "?kind=other").status_code == 404


@pytest.mark.usefixtures("compared")
def test_it_costs_the_same_queries_for_many_contacts(
    bob_client: Client, newsletter: Export, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    state = ListState.objects.get()
    SubscriberStatus.objects.bulk_create(
        SubscriberStatus(
            list_state=state,
            email=f"p{number}@example.com",
            code="bounced",
            source="poll",
            run_id=0,
            known_since=clock.now(),
        )
        for number in range(120)
    )
    with django_assert_max_num_queries(22):
        page(bob_client, newsletter)
