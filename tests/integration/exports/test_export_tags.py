"""Tags of exports: in the pane, in the list as filter and links, and for several exports at once."""

from typing import Any

import pytest
from django.test import Client

from config.platform.audit.models import AuditEntry
from config.platform.tags.texts import MAX_TAGS
from connections.models import Connection
from exports.actions import manage
from exports.models import Export
from segments.models import Segment
from tests.integration.exports.test_export_pane import ADD, complete, edit_url
from tests.support import exports
from tests.support.sandbox import RunningSandbox

LIST, TAGS = "/data/exports/", "/data/exports/tags/"


@pytest.fixture
def three(shared: Connection, everyone: Segment) -> list[Export]:
    tags: list[list[str]] = [["news"], ["News", "VIP"], []]
    found = []
    for number, each in enumerate(tags):
        export = exports.export_to(None, shared, everyone, list_id=f"{number:032}", name=f"Export {number}")
        Export.objects.filter(pk=export.pk).update(tags=each)
        found.append(Export.objects.get(pk=export.pk))
    return found


def ids(found: list[Export]) -> dict[str, Any]:
    return {"selected": [each.pk for each in found]}


def tags(found: list[Export]) -> list[list[str]]:
    return [Export.objects.get(pk=each.pk).tags for each in found]


def test_the_pane_saves_and_shows_tags(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    bob_client.post(ADD, complete(account, shared, everyone, tags=" Morning,  morning, two   words,,"))
    export = Export.objects.get()
    assert export.tags == ["Morning", "two words"]
    assert 'name="tags" value="Morning, two words"' in bob_client.get(edit_url(export)).content.decode()
    typed = complete(account, shared, everyone, tags="", version=export.version)
    bob_client.post(edit_url(export), typed)
    assert tags([export]) == [[]]
    edited = AuditEntry.objects.filter(action="edited", target_id=export.pk).latest("pk")
    assert edited.changes == {"tags": ["Morning, two words", ""]}


def test_the_pane_says_that_there_are_too_many(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    many = ",".join(map(str, range(MAX_TAGS + 1)))
    answer = bob_client.post(ADD, complete(account, shared, everyone, tags=many))
    assert answer.status_code == 422
    assert "At most 10 tags of at most 40 characters." in answer.content.decode()


def test_a_tag_leads_to_the_exports_with_it(bob_client: Client, three: list[Export]) -> None:
    shown = bob_client.get(LIST).content.decode()
    assert f'href="{LIST}?tag=VIP"' in shown
    answer = bob_client.get(LIST, {"tag": "news"})
    assert [row.export for row in answer.context["rows"]] == [three[0]]
    assert "Only exports with the tag “news”." in answer.content.decode()
    found = bob_client.get(LIST, {"q": "vip"})
    assert [row.export for row in found.context["rows"]] == [three[1]]
    assert f'href="{LIST}?tag=VIP"' in bob_client.get(f"/data/exports/{three[1].pk}/runs/").content.decode()


def test_a_viewer_sees_the_tags(charlie_client: Client, three: list[Export]) -> None:
    assert f'href="{LIST}?tag=VIP"' in charlie_client.get(edit_url(three[1])).content.decode()
    refused = charlie_client.get(TAGS, ids(three))
    assert (refused.status_code, "Your role, Viewer, does not allow you" in refused.content.decode()) == (
        403,
        True,
    )


def test_tags_of_several_exports_are_changed(bob_client: Client, three: list[Export]) -> None:
    shown = bob_client.get(TAGS, ids(three)).content.decode()
    for text in ("Tags of 3 exports", "Export 1", 'value="VIP"', "Tags to remove"):
        assert text in shown
    answer = bob_client.post(TAGS, ids(three) | {"add": "Spring", "remove": ["VIP"]}, follow=True)
    assert tags(three) == [["news", "Spring"], ["News", "Spring"], ["Spring"]]
    assert "The tags of 3 exports are changed." in " ".join(map(str, answer.context["messages"]))
    entries = AuditEntry.objects.filter(action="edited").order_by("pk")
    assert [entry.changes["tags"] for entry in entries] == [
        ["news", "news, Spring"],
        ["News, VIP", "News, Spring"],
        ["", "Spring"],
    ]


def test_no_export_is_changed_when_one_would_have_too_many(bob_client: Client, three: list[Export]) -> None:
    Export.objects.filter(pk=three[2].pk).update(tags=[f"tag {n}" for n in range(MAX_TAGS)])
    answer = bob_client.post(TAGS, ids(three) | {"add": "Spring"})
    assert answer.status_code == 409
    assert "“Export 2” would have more than 10 tags." in answer.content.decode()
    assert tags(three)[:2] == [["news"], ["News", "VIP"]]
    assert [Export.objects.get(pk=each.pk).version for each in three] == [1, 1, 1]


def test_tags_of_an_export_on_another_connection_stay(
    bob_client: Client, three: list[Export], board: Export
) -> None:
    assert bob_client.post(TAGS, ids([*three, board]) | {"add": "Spring"}).status_code == 403
    assert tags(three) == [["news"], ["News", "VIP"], []]


def test_nothing_to_change_is_said_beside_the_field(bob_client: Client, three: list[Export]) -> None:
    answer = bob_client.post(TAGS, ids(three))
    assert answer.status_code == 422
    assert "Enter a tag to add, or select one to remove." in answer.content.decode()


def test_a_copy_has_the_tags(bob_client: Client, three: list[Export]) -> None:
    assert manage.duplicate(three[1], by=None).tags == ["News", "VIP"]
