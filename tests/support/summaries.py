"""Compare every summary of a run's results with the others, and with the contacts that its numbers open."""

import re
from collections.abc import Mapping

from django.test import Client
from django.urls import reverse

from config.platform.notifications.models import Condition
from exports.api.shown_run import shown_run
from exports.models import Run
from exports.reporting import run_contacts
from exports.results import summary
from exports.results.summary import EXCLUDED_PARTS, PARTS, REMOVALS, ContactKind, ResultSummary

_KINDS = (ContactKind.MEMBERS, *PARTS, *EXCLUDED_PARTS, *REMOVALS, ContactKind.INCOMPLETE)
_NUMBER = re.compile(
    r'href="([^"]*)" (?:id="[^"]*" )?data-result="(\w+)"[^>]*>'
    r'(?:[^<]*<span class="kinds__count">|<strong>)?([\d,]+)'
)
_TOTAL = re.compile(r'data-total="(\d+)"')


def check_sums(run: Run) -> ResultSummary:
    """Check that the results of a run add up, and that each lists as many contacts as it counts."""
    results = summary.of_run(run)
    numbers = results.as_numbers()
    assert results.members == run.members, f"{run}: the parts are {results.members}, the members {run.members}."
    assert numbers["members"] == sum(numbers[kind.value] for kind in PARTS)
    assert numbers["excluded"] == sum(numbers[kind.value] for kind in EXCLUDED_PARTS)
    assert results.removed + results.not_removed == run.to_remove
    for kind in _KINDS:
        contacts = run_contacts.list_contacts(run, kind)
        listed = list(contacts.all())
        assert len(contacts) == len(listed) == results.count(kind), (
            f"{run}: {kind} counts {results.count(kind)} and lists {len(listed)} contacts."
        )
        if kind in PARTS and kind not in (ContactKind.EXCLUDED,):
            assert {each.kind for each in listed} <= {kind}, f"{run}: {kind} lists other results."
    return results


def check_pages(run: Run, client: Client) -> None:
    """Check that every page, alert and program that summarizes a run says the same numbers, and that each number
    of its page opens that many contacts."""
    results = check_sums(run)
    own_url = reverse("exports:contacts", args=[run.pk])
    pages = [reverse("exports:run", args=[run.pk]), reverse("exports:runs", args=[run.export_id]), own_url]
    ordinary = run.export.runs.exclude(kind="list_cleanup").order_by("-pk").first()
    if ordinary == run:
        pages.append(reverse("exports:list"))
    if Run.objects.order_by("-pk").first() == run:
        pages.append(reverse("system:home"))
    opened: dict[str, int] = {}
    for page in pages:
        shown = _numbers(client.get(page).content.decode(), own_url)
        is_planned = results.members or results.removals  # else it ended before, and its page says only that
        assert shown or not is_planned, f"{page} summarizes no results of {run}."
        for kind, contacts in shown.items():
            assert contacts == results.count(ContactKind(kind)), f"{page} says {kind} {contacts}: {results}"
        opened |= shown
    for kind, contacts in opened.items():
        listed = client.get(f"{own_url}?kind={kind}").content.decode()
        total = _TOTAL.search(listed)
        assert (int(total.group(1)) if total else 0) == contacts, f"{kind} of {run} opens another number."
    assert shown_run(run).counts == results.as_numbers()
    for condition in Condition.objects.filter(path=pages[0], closed_at=None).exclude(results=None):
        assert condition.results == results.as_numbers()
        assert str(results.in_words()) in condition.sentence


def _numbers(page: str, own_url: str) -> Mapping[str, int]:
    """Read the numbers of a page that lead to the contacts of one run."""
    found: dict[str, int] = {}
    for url, kind, text in _NUMBER.findall(page):
        if not url.startswith((own_url, "?kind=")):
            continue
        contacts = int(text.replace(",", ""))
        assert found.setdefault(kind, contacts) == contacts, f"One page says {kind} {found[kind]} and {contacts}."
    return found
