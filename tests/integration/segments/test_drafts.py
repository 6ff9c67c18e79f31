"""Rules that a user built and has not saved."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from config.platform import retention
from config.platform.accounts.models import User
from segments import actions, drafts, maintenance
from segments.models import DataSource, ErasedHash, Erasure, Segment, SegmentDraft
from segments.privacy.subjects import hash_of_email

ADD = "/segments/add/"
RULES = {"HX-Request": "true", "HX-Target": "rules"}
SUMMARY = {"HX-Request": "true", "HX-Target": "rules-sentence"}
KEY, OTHER = UUID(int=1), UUID(int=2)
TURKU: dict[str, Any] = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}
YES: dict[str, Any] = {"join": "and", "rules": [{"attribute": "newsletter", "operator": "is_yes"}]}


def posted(**changes: Any) -> dict[str, Any]:
    """Return the form for “city is Turku”."""
    city = {"attribute-0": "city", "operator-0": "is", "value-0": "Turku"}
    return {"draft": str(KEY), "name": "", "join-root": "and", "row": "0", **city, **changes}


def type_rules(client: Client, url: str = ADD, **changes: Any) -> None:
    assert client.post(url, posted(describe="typed", **changes), headers=SUMMARY).status_code == 200


@pytest.fixture
def readers(shop: DataSource) -> Segment:
    return actions.create_segment(name="Readers", rules_tree=YES, by=None, wake_worker=False)


def test_what_is_typed_is_kept_and_offered_to_the_same_user(
    bob_client: Client, alice_client: Client, shop: DataSource
) -> None:
    type_rules(bob_client)
    assert SegmentDraft.objects.get().rules == TURKU
    page = bob_client.get(ADD).content.decode()
    assert "You have an unsaved draft of a new segment" in page
    assert "city is “Turku”" in page
    assert "unsaved draft" not in alice_client.get(ADD).content.decode()


def test_a_draft_has_rules_alone(bob_client: Client, shop: DataSource) -> None:
    type_rules(bob_client, name="Secret name", description="Secret words")
    stored = str(SegmentDraft.objects.values().get())
    assert "Turku" in stored
    assert "Secret" not in stored


def test_to_open_the_builder_keeps_nothing(bob_client: Client, readers: Segment) -> None:
    url = f"/segments/{readers.pk}/edit/"
    bob_client.get(url)
    bob_client.post(url, posted(describe="opened", version="1"), headers=SUMMARY)
    bob_client.post(url, posted(describe="overlap", version="1"), headers=SUMMARY)
    assert not SegmentDraft.objects.exists()


def test_a_button_keeps_what_it_changed(bob_client: Client, shop: DataSource) -> None:
    bob_client.post(ADD, posted(act="add:root"), headers=RULES)
    assert SegmentDraft.objects.get().rules == {"join": "and", "rules": [*TURKU["rules"], {}]}


def test_a_user_continues_a_draft(bob_client: Client, readers: Segment) -> None:
    url = f"/segments/{readers.pk}/edit/"
    type_rules(bob_client, url, version="1")
    offered = bob_client.get(url).content.decode()
    assert 'value="Readers"' in offered
    assert "You have an unsaved draft of “Readers”" in offered
    assert f"{url}?draft={KEY}" in offered
    page = bob_client.get(f"{url}?draft={KEY}")
    assert page.context["editor"].root.entries[0].attribute == "city"
    assert page.context["draft_key"] == KEY
    assert "unsaved draft" not in page.content.decode()
    assert "data-was-changed" in page.content.decode()


def test_a_draft_of_one_segment_is_not_offered_for_another(bob_client: Client, readers: Segment) -> None:
    type_rules(bob_client)
    assert "unsaved draft" not in bob_client.get(f"/segments/{readers.pk}/edit/").content.decode()


def test_a_user_discards_a_draft(bob_client: Client, shop: DataSource) -> None:
    type_rules(bob_client)
    response = bob_client.post(ADD, posted(draft=str(OTHER), act=f"discard:{KEY}"), headers=RULES)
    assert "unsaved draft" not in response.content.decode()
    assert not SegmentDraft.objects.exists()


def test_a_saved_draft_is_gone(bob_client: Client, shop: DataSource) -> None:
    type_rules(bob_client)
    assert bob_client.post(ADD, posted(name="Readers")).status_code == 302
    assert Segment.objects.get().rules == TURKU
    assert not SegmentDraft.objects.exists()


def test_rules_that_could_not_be_saved_stay_a_draft(bob_client: Client, shop: DataSource) -> None:
    type_rules(bob_client)
    assert bob_client.post(ADD, posted(name="")).status_code == 422
    assert SegmentDraft.objects.exists()


def test_two_tabs_keep_their_own_drafts(bob_client: Client, readers: Segment) -> None:
    url = f"/segments/{readers.pk}/edit/"
    type_rules(bob_client, url, version="1")
    type_rules(bob_client, url, version="1", draft=str(OTHER), **{"value-0": "Łódź"})
    kept = dict(SegmentDraft.objects.values_list("key", "rules"))
    assert [kept[key]["rules"][0]["value"] for key in (KEY, OTHER)] == ["Turku", "Łódź"]
    assert bob_client.post(url, posted(name="Readers", version="1")).status_code == 302
    assert SegmentDraft.objects.get().key == OTHER
    stale = bob_client.post(url, posted(name="Readers", version="1", draft=str(OTHER)))
    assert stale.status_code == 409
    assert SegmentDraft.objects.exists()


def test_a_change_by_another_user_is_not_overwritten_unseen(bob_client: Client, readers: Segment) -> None:
    url = f"/segments/{readers.pk}/edit/"
    type_rules(bob_client, url, version="1")
    actions.edit_segment(readers, version=1, name="Letters", rules_tree=YES, by=None, wake_worker=False)
    assert 'name="version" value="1"' in bob_client.get(f"{url}?draft={KEY}").content.decode()
    assert bob_client.post(url, posted(name="Mine", version="1")).status_code == 409


def test_rules_that_are_undone_are_no_draft(bob_client: Client, readers: Segment) -> None:
    url = f"/segments/{readers.pk}/edit/"
    type_rules(bob_client, url, version="1")
    undone = {"attribute-0": "newsletter", "operator-0": "is_yes"}
    bob_client.post(url, posted(describe="typed", version="1", **undone), headers=SUMMARY)
    assert not SegmentDraft.objects.exists()
    type_rules(bob_client)
    bob_client.post(ADD, {"draft": str(KEY), "join-root": "and", "row": "0", "act": "show"}, headers=RULES)
    assert not SegmentDraft.objects.exists()


def test_the_drafts_of_other_users_are_neither_read_nor_deleted(
    bob_client: Client, alice_client: Client, shop: DataSource
) -> None:
    type_rules(bob_client)
    assert alice_client.get(f"{ADD}?draft={KEY}").context["editor"].root.entries[0].attribute == ""
    alice_client.post(ADD, posted(act=f"discard:{KEY}", row=[]), headers=RULES)
    type_rules(alice_client, **{"value-0": "Łódź"})
    assert sorted(each.rules["rules"][0]["value"] for each in SegmentDraft.objects.all()) == ["Turku", "Łódź"]


def test_a_draft_ends_after_thirty_days(bob: User, bob_client: Client, shop: DataSource) -> None:
    type_rules(bob_client)
    SegmentDraft.objects.update(updated_at=retention.DRAFTS.cutoff() + timedelta(hours=1))
    maintenance.tidy()
    assert SegmentDraft.objects.exists()
    SegmentDraft.objects.update(updated_at=retention.DRAFTS.cutoff() - timedelta(seconds=1))
    assert drafts.find(bob, None, KEY) is None
    assert "unsaved draft" not in bob_client.get(ADD).content.decode()
    maintenance.tidy()
    assert not SegmentDraft.objects.exists()


def test_drafts_go_with_their_user_and_their_segment(bob: User, alice: User, readers: Segment) -> None:
    drafts.save(bob, readers, KEY, TURKU)
    drafts.save(alice, readers, OTHER, TURKU)
    bob.delete()
    assert SegmentDraft.objects.get().user == alice
    readers.delete()
    assert not SegmentDraft.objects.exists()


def test_a_user_has_a_limited_number_of_drafts(bob: User, shop: DataSource) -> None:
    keys = [uuid4() for _number in range(drafts.MAX_PER_USER + 1)]
    for key in keys:
        drafts.save(bob, None, key, TURKU)
    assert set(SegmentDraft.objects.values_list("key", flat=True)) == set(keys[1:])


def test_rules_with_the_address_of_an_erased_person_are_not_kept(
    bob: User, bob_client: Client, shop: DataSource
) -> None:
    erasure = Erasure.objects.create(short_id="1", erased_by=bob)
    ErasedHash.objects.create(hash=hash_of_email("zofia@example.com"), erasure=erasure)
    type_rules(bob_client, **{"value-0": "Zofia@Example.com"})
    assert not SegmentDraft.objects.exists()
    type_rules(bob_client, **{"value-0": "aino@example.com"})
    assert SegmentDraft.objects.exists()


def test_a_key_that_is_none_keeps_nothing(bob_client: Client, shop: DataSource) -> None:
    type_rules(bob_client, draft="x")
    assert not SegmentDraft.objects.exists()
    assert bob_client.get(f"{ADD}?draft=x").status_code == 200
