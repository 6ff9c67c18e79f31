"""The pages of personal data, requested as each role and through the whole flow."""

import json
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from config.platform.audit.models import AuditEntry
from exports.models import Export, PersonRemoval
from exports.privacy import list_removal
from segments.models import Erasure
from tests.integration.privacy.conftest import EMAIL, run_to_its_end
from tests.support.database_search import tables_with
from tests.support.profiles import Profile, has_profile
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Doors = list[tuple[str, str]]


def doors(profile: Profile) -> Doors:
    return [
        ("post", reverse("segments:download", args=[profile.id])),
        ("get", reverse("segments:erase", args=[profile.id])),
        ("post", reverse("segments:erase", args=[profile.id])),
        ("get", reverse("segments:erasures")),
        ("post", reverse("segments:erasures")),
        ("get", reverse("segments:erasure", args=[1])),
        ("get", reverse("segments:erasure_live", args=[1])),
    ]


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_only_administrators_come_through_any_door(
    zofia: Profile, who: str, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(who)
    for method, url in doors(zofia):
        answer = getattr(client, method)(url, {"confirmation": "Z-1", "address": EMAIL})
        assert answer.status_code == HTTPStatus.FORBIDDEN, url
        assert "zielinska" not in answer.content.decode().lower()
    assert has_profile(zofia.key)
    page = client.get(reverse("segments:customer", args=[zofia.id])).content.decode()
    assert "/erase/" not in page
    assert "/download/" not in page


def test_a_stranger_is_sent_to_the_door(zofia: Profile, stranger_client: Client) -> None:
    for method, url in doors(zofia):
        assert getattr(stranger_client, method)(url).status_code == HTTPStatus.FOUND, url
    assert has_profile(zofia.key)


def test_the_file_holds_everything_and_the_record_says_that_it_was_taken(
    export: Export, zofia: Profile, alice_client: Client
) -> None:
    run_to_its_end(export)
    answer = alice_client.post(reverse("segments:download", args=[zofia.id]))
    assert answer["Content-Disposition"].startswith("attachment")
    told = json.loads(answer.content)
    assert told["addresses"] == [EMAIL]
    assert [profile["key"] for profile in told["profiles"]] == ["Z-1", "X-9"]
    assert told["profiles"][0]["attributes"]["last_name"] == "Zielinska"
    assert told["profiles"][0]["segments"][0]["name"] == "Everyone"
    assert told["sent"][0]["data"]["EmailAddress"] == EMAIL
    assert told["sent"][0]["connection"] == "Sandbox"
    assert told["outcomes"][0]["kind"] == "duplicate"
    assert told["on_lists_by_exports"][0]["address"] == EMAIL
    assert told["lists"][0]["list"] == "Newsletter"
    assert told["lists"][0]["first_sent_at"]
    entry = AuditEntry.objects.get(action="person.downloaded")
    assert "Z-1" not in str(entry)
    assert "ann@example.com" not in answer.content.decode()


def test_the_dialog_tells_what_happens_and_wants_the_key(
    export: Export, zofia: Profile, alice_client: Client
) -> None:
    run_to_its_end(export)
    url = reverse("segments:erase", args=[zofia.id])
    page = alice_client.get(url).content.decode()
    assert "1 other profile with the same email" in page
    assert "Newsletter (Campaign Monitor, Sandbox)" in page
    assert "state Deleted" in page
    answer = alice_client.post(url, {"scope": "address", "confirmation": "Z-2"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert has_profile(zofia.key)


def test_erasing_leads_to_a_page_that_shows_what_became_of_the_lists(
    export: Export, zofia: Profile, alice_client: Client, account: RunningSandbox
) -> None:
    run_to_its_end(export)
    url = reverse("segments:erase", args=[zofia.id])
    each = alice_client.get(url).context["lists"][0]
    answer = alice_client.post(url, {"scope": "address", "confirmation": "Z-1", "lists": [each.key]})
    erasure = Erasure.objects.get()
    page = reverse("segments:erasure", args=[erasure.pk])
    assert answer["Location"] == page
    assert "Queued" in alice_client.get(page).content.decode()
    list_removal.remove_from_list(PersonRemoval.objects.get().pk)
    told = alice_client.get(reverse("segments:erasure_live", args=[erasure.pk])).content.decode()
    assert "Removed from the list." in told
    assert account.counts()["Deleted"] == 1
    assert not tables_with(EMAIL)
    assert alice_client.get(reverse("segments:customer", args=[zofia.id])).status_code == HTTPStatus.NOT_FOUND


def test_a_list_that_was_not_chosen_is_left_alone(
    export: Export, zofia: Profile, alice_client: Client, account: RunningSandbox
) -> None:
    run_to_its_end(export)
    alice_client.post(reverse("segments:erase", args=[zofia.id]), {"scope": "address", "confirmation": "Z-1"})
    assert not PersonRemoval.objects.exists()
    assert account.counts()["Deleted"] == 0


def test_an_address_can_be_looked_up_when_everything_is_gone(
    export: Export, zofia: Profile, alice_client: Client
) -> None:
    run_to_its_end(export)
    alice_client.post(reverse("segments:erase", args=[zofia.id]), {"scope": "address", "confirmation": "Z-1"})
    export.delete()
    page = alice_client.post(reverse("segments:erasures"), {"address": f" {EMAIL.upper()} "}).content.decode()
    assert "was erased" in page
    assert "Newsletter" in page
    page = alice_client.post(reverse("segments:erasures"), {"address": "nobody@example.com"}).content.decode()
    assert "was not erased" in page


def test_the_page_of_a_person_says_where_they_were_sent(
    export: Export, zofia: Profile, alice_client: Client
) -> None:
    url = reverse("segments:customer", args=[zofia.id])
    assert "Sent to" not in alice_client.get(url).content.decode()
    run_to_its_end(export)
    assert "Sent to" in alice_client.get(url).content.decode()


def test_the_pages_of_a_run_show_a_blank_place(export: Export, zofia: Profile, alice_client: Client) -> None:
    run = run_to_its_end(export)
    alice_client.post(reverse("segments:erase", args=[zofia.id]), {"scope": "address", "confirmation": "Z-1"})
    for kind in ("delivered", "duplicate"):
        page = alice_client.get(reverse("exports:contacts", args=[run.pk]), {"kind": kind}).content.decode()
        assert ">Erased<" in page
