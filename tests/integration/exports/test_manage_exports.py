"""Manage exports: a segment put into exports and taken out, from the segment's side."""

from django.test import Client

from config.platform.audit.models import AuditEntry
from exports.models import Export
from segments.models import Segment
from tests.support import exports


def url(segment: Segment) -> str:
    return f"/segments/{segment.pk}/exports/"


def another(name: str = "Finns") -> Segment:
    return Segment.objects.create(name=name)


def names(export: Export) -> list[str]:
    return sorted(export.segments.values_list("name", flat=True))


def test_it_refuses_a_viewer(charlie_client: Client, everyone: Segment) -> None:
    assert charlie_client.get(url(everyone)).status_code == 403
    assert charlie_client.post(url(everyone)).status_code == 403


def test_it_shows_what_holds_the_segment_and_what_could(
    bob_client: Client, newsletter: Export, board: Export, everyone: Segment
) -> None:
    shown = bob_client.get(url(everyone)).content.decode()
    assert f'value="{newsletter.pk}" checked' in shown
    assert "not shared with your role" in shown
    assert f"/data/exports/add/?segment={everyone.pk}" in shown


def test_it_puts_a_segment_into_an_export(bob_client: Client, newsletter: Export) -> None:
    finns, version = another(), newsletter.version
    bob_client.post(url(finns), {"used": [newsletter.pk]})
    newsletter.refresh_from_db()
    assert names(newsletter) == ["Everyone", "Finns"]
    assert newsletter.version == version + 1
    entry = AuditEntry.objects.filter(target_id=newsletter.pk).latest("pk")
    assert entry.changes["segments"] == [["Everyone"], ["Everyone", "Finns"]]


def test_it_takes_a_segment_out_of_an_export(bob_client: Client, newsletter: Export, everyone: Segment) -> None:
    newsletter.segments.add(another())
    bob_client.post(url(everyone), {"used_before": [newsletter.pk]})
    assert names(newsletter) == ["Finns"]


def test_it_leaves_an_export_its_last_segment(bob_client: Client, newsletter: Export, everyone: Segment) -> None:
    answer = bob_client.post(url(everyone), {"used_before": [newsletter.pk]})
    assert answer.status_code == 409
    assert "needs at least one segment" in answer.content.decode()
    assert names(newsletter) == ["Everyone"]


def test_it_undoes_nothing_that_another_user_did_meanwhile(bob_client: Client, newsletter: Export) -> None:
    finns = another()
    newsletter.segments.add(finns)  # after the page was shown, on which it was not ticked
    bob_client.post(url(finns), {})
    assert names(newsletter) == ["Everyone", "Finns"]


def test_it_puts_nothing_into_an_export_that_is_not_shared(bob_client: Client, board: Export) -> None:
    assert bob_client.post(url(another()), {"used": [board.pk]}).status_code == 403
    assert names(board) == ["Everyone"]


def test_other_contacts_are_emailed_only_when_a_user_accepts_it_again(
    bob_client: Client, newsletter: Export
) -> None:
    Export.objects.update(opt_in_mail_accepted=True)
    bob_client.post(url(another()), {"used": [newsletter.pk]})
    newsletter.refresh_from_db()
    assert not newsletter.opt_in_mail_accepted


def test_it_says_that_an_export_is_gone(bob_client: Client, everyone: Segment) -> None:
    answer = bob_client.post(url(everyone), {"used": ["999"]})
    assert answer.status_code == 409
    assert "was removed" in answer.content.decode()


def test_a_new_export_begins_with_the_segment(bob_client: Client, everyone: Segment) -> None:
    another()
    shown = bob_client.get(f"/data/exports/add/?segment={everyone.pk}&segment=nonsense")
    assert shown.context["pane"].draft.segments == [str(everyone.pk)]


def test_it_asks_the_same_number_of_queries_for_many(
    bob_client: Client, newsletter: Export, everyone: Segment, django_assert_max_num_queries: object
) -> None:
    for number in range(20):
        exports.export_to(None, newsletter.connection, everyone, list_id="c" * 32, name=f"E{number}")  # type: ignore[arg-type]
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        bob_client.get(url(everyone))
