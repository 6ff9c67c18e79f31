"""List the contacts of a run by result, and its batches."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import Max, Min, Q, QuerySet
from django.db.models.functions import Length
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.web.formats import masked
from config.platform.web.htmx import Request
from config.platform.web.lists import LONGEST_SEARCH, Column, ListPage, list_page
from config.platform.web.panes import render_pane
from exports.models import Batch, BatchStatus, Run
from exports.reporting import breakdown, messages
from exports.reporting import run_contacts as listed_contacts
from exports.reporting.contact_lists import ContactList, ListedContact
from exports.results import summary
from exports.results.summary import MEANINGS, ContactKind, Count, Phase, ResultSummary
from exports.views.access import find_run
from exports.views.runs import frame, retry_button
from segments import audience

PAGE_SIZE = 50

# Their reason is the result itself, or is said beside each contact.
_WITHOUT_REASONS = (
    *(ContactKind.DELIVERED, ContactKind.UNCHANGED, ContactKind.NOT_ATTEMPTED),
    *(ContactKind.PLANNED, ContactKind.MEMBERS),
)
_COLUMNS = (
    Column("email", gettext_lazy("Email")),
    Column("result", gettext_lazy("Result")),
    Column("why", gettext_lazy("Reason")),
    Column("code", gettext_lazy("Code")),
    Column("batch", gettext_lazy("Batch")),
)
BATCH_LIST_COLUMNS = (
    Column("number", gettext_lazy("Batch"), order_by=("number",)),
    Column("status", gettext_lazy("Status"), order_by=("status", "number")),
    Column("size", gettext_lazy("Contacts"), order_by=("size", "number"), kind="number"),
    Column("delivered", gettext_lazy("Delivered"), order_by=("delivered", "number"), kind="number"),
    Column("new", gettext_lazy("Added"), order_by=("new_people", "number"), kind="number"),
    Column("left", gettext_lazy("Suppressed"), order_by=("left", "number"), kind="number"),
    Column("rejected", gettext_lazy("Rejected"), order_by=("rejected", "number"), kind="number"),
    Column("attempts", gettext_lazy("Attempts"), order_by=("attempt", "number"), kind="number"),
    Column("http", gettext_lazy("HTTP"), order_by=("http_status", "number"), kind="number"),
    Column("ms", gettext_lazy("ms"), order_by=("seconds", "number"), kind="number"),
    Column("bytes", gettext_lazy("Bytes"), order_by=("bytes_sent", "number"), kind="number"),
    Column("message", gettext_lazy("Last error"), order_by=(Length("message"), "number")),
)

FIRST_CONTACTS = 20  # so many of its people are shown
_LAST_NUMBER = 2**31 - 1  # a larger one is in no batch

# How a batch's status looks, in the words of config.platform.web.statuses.
_TONES = {
    BatchStatus.PLANNED: ("neutral", "clock"),
    BatchStatus.SENDING: ("working", ""),
    BatchStatus.DONE: ("success", "circle-check"),
    BatchStatus.SPLIT: ("warning", "scissors"),
    BatchStatus.NOT_SENT: ("neutral", "circle-dashed"),
}


_FILTERS = ("code", "field", "segment")
# The names of groups in addresses of version 0.1.
_FORMER_NAMES = {
    "left": ContactKind.SUPPRESSED,
    "kept": ContactKind.NOT_REMOVED,
    "not_sent": ContactKind.NOT_ATTEMPTED,
    "still_refused": ContactKind.PREVIOUSLY_REJECTED,
    "to_remove": ContactKind.AWAITING_CONFIRMATION,
}


class ContactsPage(ListPage[Any]):
    """A page of contacts of one kind: only a search and a code narrow it, and only while the contacts are kept."""

    rows_gone = False

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or any(map(self._query.get, _FILTERS))) and not self.rows_gone


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def contacts(request: Request, run_id: int) -> HttpResponse:
    """List the contacts of one kind (``?kind=``), those with one code alone (``?code=``), a page at a time."""
    run = find_run(run_id)
    first_kind = ContactKind.MEMBERS if messages.texts_of(run).sends_contacts else ContactKind.REMOVED
    kind = _kind_of_run(request.GET.get("kind", first_kind))
    reasons = messages.reasons_of_codes(run.export_id)
    results = summary.of_run(run)
    sees_data = request.user.may(Permission.PERSONAL_DATA_SEE)
    count = results.count(kind)
    context = frame(request, run, "exports:contacts") | {
        "kind": kind.value,
        "kind_label": summary.label_of(kind, results.phase),
        "meaning": MEANINGS.get(kind, ""),
        "kinds": kinds_of(
            results,
            messages.texts_of(run).removals_title,
            has_members=messages.texts_of(run).sends_contacts,
        ),
        "code": request.GET.get("code", ""),
        "field": run.snapshot.field_labels.get(request.GET.get("field", ""), ""),
        "segment": request.GET.get("segment", ""),
        "count": count,
        "summary": results,
        "sees_data": sees_data,
        "query": request.GET.urlencode(),
    }
    page = _page(request, run, kind, reasons, sees_data=sees_data)
    context |= {
        "list": page,
        "people": shown_contacts(page.rows, results.phase, request.user),
        "rows_gone": bool(count) and not page.total,
        "groups": breakdown.group_outcomes(run, kind, reasons) if kind not in _WITHOUT_REASONS else [],
    }
    if kind is ContactKind.REJECTED:
        context |= retry_button(run, request.user)
    return render(request, "exports/contacts.html", context)


@require_permission(Permission.EXPORT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_safe
def download(request: Request, run_id: int) -> StreamingHttpResponse:
    """What the page's filters let through, as CSV. That it was taken is recorded."""
    run = find_run(run_id)
    kind = _kind_of_run(request.GET.get("kind", ""))
    found = _found(request, run, kind, words_of(request), messages.reasons_of_codes(run.export_id))
    record("downloaded", run, by=request.user, changes={"people": (None, asked_for(request, kind, _FILTERS))})
    headers = {"Content-Disposition": f'attachment; filename="run-{run.number}-{kind}.csv"'}
    return StreamingHttpResponse(
        listed_contacts.write_csv(found), content_type="text/csv; charset=utf-8", headers=headers
    )


def asked_for(request: Request, kind: ContactKind, filters: Sequence[str]) -> dict[str, object]:
    """Say for the audit what the file holds; not the text of the search, since the audit outlives personal
    data."""
    asked: dict[str, object] = {name: request.GET[name] for name in filters if request.GET.get(name)}
    return {"kind": kind.value} | asked | ({"q": "…"} if request.GET.get("q") else {})


def _page(
    request: Request, run: Run, kind: ContactKind, reasons: Mapping[str, str], *, sees_data: bool
) -> ContactsPage:
    # Users who see masked addresses must not find out by a search which ones exist.
    words = words_of(request) if sees_data else ""
    found: Any = _found(request, run, kind, words, reasons)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page", 1))
    shown = ContactsPage(
        cast(Any, page), columns=_COLUMNS, query=request.GET, sort="", search=words, selectable=False
    )
    shown.rows_gone = not listed_contacts.is_kept(run, kind)
    return shown


def words_of(request: Request) -> str:
    """Return what is searched for."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


def _found(request: Request, run: Run, kind: ContactKind, words: str, reasons: Mapping[str, str]) -> ContactList:
    given = {name: request.GET.get(name, "") for name in _FILTERS}
    return listed_contacts.list_contacts(run, kind, words=words, reasons=reasons, **given)


def shown_contacts(contacts: Sequence[ListedContact], phase: Phase, user: User) -> list[dict[str, object]]:
    """Return contacts for the rows of a page, those without an email with the key of their profile. A key with an
    address is masked as the address is."""
    without_email = {one.profile_id for one in contacts if one.profile_id and not one.email}
    keys = {pk: masked(key, user) if "@" in key else key for pk, key in audience.keys_of(without_email).items()}
    return [
        {
            "person": one,
            "label": summary.label_of(one.kind, phase),
            "key": keys.get(one.profile_id or 0, ""),
        }
        for one in contacts
    ]


def kind_of(text: str) -> ContactKind:
    """Return the group that an address names, perhaps one of an earlier version. Raises Http404."""
    try:
        return _FORMER_NAMES.get(text) or ContactKind(text)
    except ValueError:
        raise Http404 from None


def _kind_of_run(text: str) -> ContactKind:
    """Return the group of contacts of a run that an address names. Raises Http404."""
    kind = kind_of(text)
    if kind not in listed_contacts.LISTED:
        raise Http404
    return kind


def kinds_of(
    results: ResultSummary, removals_title: str | Promise, *, has_members: bool = True
) -> list[dict[str, object]]:
    """Return every number of a summary, to go from one to the other."""
    parts: list[tuple[Any, Sequence[Count]]] = []
    if has_members:
        parts.append((gettext_lazy("Members"), [results.all_members, *results.counts]))
        of_which = [part for one in results.counts for part in one.of_which if part.contacts]
        incomplete = results.of_kinds([ContactKind.INCOMPLETE]) if results.incomplete else []
        parts.append((gettext_lazy("Of which"), [*incomplete, *of_which]))
    parts.append((removals_title, results.removals))
    return [{"label": label, "counts": counts} for label, counts in parts if counts]


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def batches(request: Request, run_id: int) -> HttpResponse:
    """List the batches of a run; their contacts stay in the database."""
    run = find_run(run_id)
    page = list_page(
        request,
        _of_run(request, run),
        columns=BATCH_LIST_COLUMNS,
        search=("label", "status", "code", "message"),
        default="number",
        selectable=False,
    )
    context = frame(request, run, "exports:batches") | {
        "list": page,
        "batches": [_shown_batch(batch) for batch in page.rows],
    }
    return render(request, "exports/batches.html", context)


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def batch(request: Request, run_id: int, number: int) -> HttpResponse:
    """One batch and its call; who was in it, for those who may see that."""
    run = find_run(run_id)
    found = get_object_or_404(_without_people(run), number=number)
    sees_data = request.user.may(Permission.PERSONAL_DATA_SEE)
    around = run.batches.aggregate(
        before=Max("number", filter=Q(number__lt=number)), after=Min("number", filter=Q(number__gt=number))
    )
    context = {
        "run": run,
        "export": run.export,
        "batch": found,
        "shown": _shown_batch(found),
        "sees_data": sees_data,
        "people": listed_contacts.first_contacts(found, FIRST_CONTACTS) if sees_data else [],
        "previous_url": _address(run, around["before"]),
        "next_url": _address(run, around["after"]),
        "active_nav": "exports",
    }
    return render_pane(request, "exports/batch.html", context, back=reverse("exports:run", args=[run.pk]))


def _of_run(request: Request, run: Run) -> QuerySet[Batch]:
    """Its batches; ``?from=`` and ``?to=`` narrow them to some in a row."""
    found = _without_people(run)
    for parameter, lookup in (("from", "number__gte"), ("to", "number__lte")):
        text = request.GET.get(parameter, "")
        if text.isascii() and text.isdigit():
            found = found.filter(**{lookup: min(int(text), _LAST_NUMBER)})
    return found


def _without_people(run: Run) -> QuerySet[Batch]:
    return Batch.objects.filter(run=run).defer("profile_ids", "emails", "payloads", "hashes")


def _address(run: Run, number: int | None) -> str:
    return reverse("exports:batch", args=[run.pk, number]) if number is not None else ""


def _shown_batch(batch: Batch) -> dict[str, object]:
    tone, icon = _TONES[BatchStatus(batch.status)]
    waits = batch.not_before is not None and batch.not_before > clock.now()
    return {
        "batch": batch,
        "tone": tone,
        "icon": icon,
        "waits_until": batch.not_before if batch.status == BatchStatus.PLANNED and waits else None,
        "milliseconds": round(batch.seconds * 1000) if batch.seconds is not None else None,
    }
