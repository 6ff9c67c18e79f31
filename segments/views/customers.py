"""Show customers: the list with search, the page of a profile; download and erase personal data; show erasures."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.lists import LONGEST_SEARCH, Column, list_page, row_id
from config.platform.web.panes import close_pane, render_dialog
from segments import catalog, hooks, profiles
from segments.forms import EraseForm, LookUpForm
from segments.models import DataSource, ErasedHash, Erasure
from segments.permissions import (
    check_can_manage_personal_data,
    user_can_manage_data_sources,
    user_can_manage_personal_data,
    user_can_see_personal_data,
)
from segments.privacy import erase as privacy_erase
from segments.privacy import subject_access, subjects
from segments.privacy.subjects import Scope, Subject, addresses
from segments.store.profiles import Profile, count_profiles, get_profile, with_parts
from segments.store.unified.explain import Explanation, Link, explain
from segments.store.unified.rules import is_applied

PAGE_SIZE = 50
ERASURE_COLUMNS = [
    Column("short_id", gettext_lazy("Erasure"), order_by=("short_id",)),
    Column("at", gettext_lazy("When"), order_by=("erased_at",)),
    Column("by", gettext_lazy("By"), order_by=("erased_by_name", "-id")),
    Column("profiles", gettext_lazy("Profiles"), kind="number"),
    Column("lists", gettext_lazy("Removals from lists")),
]
# Labels of the counts of an erasure, in their order.
_COUNTS = {
    "profiles": gettext_lazy("Profiles"),
    "segments": gettext_lazy("Removed from segments"),
    "batches": gettext_lazy("Batches"),
    "outcomes": gettext_lazy("Results"),
    "delivered": gettext_lazy("List memberships"),
}


@dataclass(frozen=True)
class CustomerList:
    """The list and its search box, for the template."""

    rows: list[profiles.ProfileRow]
    search: str
    sort: str
    total: int | None
    previous_url: str
    next_url: str


@dataclass(frozen=True)
class PartRow:
    """A profile of a data source that is part of a customer, as a user may see it, with why it is."""

    profile: Profile
    key: str
    link: Link | None
    other_key: str


@require_permission(Permission.CUSTOMER_VIEW)
@require_safe
def customers(request: Request) -> HttpResponse:
    """Show the list; ``?q=`` searches, ``?after=`` and ``?before=`` with an ID turn pages."""
    all_attributes = catalog.attributes()
    attributes = profiles.summary_attributes(all_attributes)
    total = _count_customers()
    words = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    key_only = not user_can_see_personal_data(request.user)
    start = _page_start(request)
    refused = bool(words) and key_only and not profiles.allow_search(request.user)
    if refused:
        found = profiles.ProfilePage([], has_previous=False, has_next=False, total=0)
    elif words:
        found = profiles.find_profiles(words, all_attributes, start, PAGE_SIZE, key_only=key_only)
    else:
        found = profiles.all_profiles(start, PAGE_SIZE)
    context = {
        "list": _list(found, attributes, request.user, words, found.total if words else total),
        "attributes": attributes,
        "everyone": total,
        "most_sorted": profiles.MAX_SORTED,
        "key_only": key_only,
        "refused": refused,
        "can_erase": user_can_manage_personal_data(request.user),
        "can_import": user_can_manage_data_sources(request.user),
        "active_nav": "customers",
    }
    status = HTTPStatus.TOO_MANY_REQUESTS if refused else HTTPStatus.OK
    return render(request, "segments/customers.html", context, status=status)


@require_permission(Permission.CUSTOMER_VIEW)
@require_safe
def customer(request: Request, pk: int) -> HttpResponse:
    """Show a profile with its attributes, segments and lists."""
    profile = _profile(pk)
    all_attributes, alone, explanation = catalog.attributes(), _alone(profile), explain(profile.id)
    context = {
        "profile": profile,
        "key": profiles.shown_key(profile, request.user),
        "title": _title(profile, request.user),
        "values": _value_rows(profiles.cells(profile, all_attributes, request.user), explanation),
        "parts": _part_rows(explanation, request.user),
        "segments": subject_access.segments_of(profile),
        "lists": hooks.personal_data.lists(alone),
        "exclusions": hooks.personal_data.exclusions(profile.id),
        "emails": alone.emails,
        "look_up_url": hooks.personal_data.look_up_url() if user_can_see_personal_data(request.user) else "",
        "can_erase": user_can_manage_personal_data(request.user),
        "is_masked": not user_can_see_personal_data(request.user),
        "active_nav": "customers",
    }
    return render(request, "segments/customer.html", context)


@require_permission(Permission.PERSON_RIGHTS)
@require_POST
def download_personal_data(request: Request, pk: int) -> HttpResponse:
    """Download all personal data about a person as JSON. By POST, because the download is recorded."""
    report = subject_access.personal_data_report(_profile(pk), by=request.user)
    answer = HttpResponse(orjson.dumps(report, option=orjson.OPT_INDENT_2), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="person-{pk}.json"'
    answer["Cache-Control"] = "no-store"
    return answer


@require_http_methods(["GET", "POST"])
def erase(request: Request, pk: int) -> HttpResponse:
    """Ask what to erase, and by POST erase the person; 409 while that is blocked."""
    check_can_manage_personal_data(request.user)
    profile = _profile(pk)
    subject = subject_access.find_subject(profile, scope=Scope.ADDRESS)
    lists = hooks.personal_data.lists(subject)
    form = EraseForm(
        request.POST if request.method == "POST" else None,
        profile=profile,
        with_address=len(subject.profiles) - len(with_parts([profile])),
        with_key=len(subjects.with_key(profile)),
        lists=lists,
    )
    refusal, status = "", 200
    if request.method == "POST" and not form.is_valid():
        status = 422
    elif request.method == "POST":
        try:
            erasure = privacy_erase.erase(profile, by=request.user, **form.choices())
        except privacy_erase.ErasureBlocked as blocked:
            refusal, status = str(blocked), 409
        else:
            message = _("The customer was erased.")
            return close_pane(request, reverse("segments:erasure", args=[erasure.pk]), message)
    context = {
        "form": form,
        "lists": lists,
        "manual": [each for each in lists if each.obstacle],
        "retention": sorted({each.retention for each in lists if each.retention}),
        "refusal": refusal,
        "title": _("Erase this customer?"),
        "confirm_label": _("Erase permanently"),
        "danger": True,
        "action_url": reverse("segments:erase", args=[profile.id]),
        "active_nav": "customers",
    }
    back = reverse("segments:customer", args=[profile.id])
    return render_dialog(request, context, "segments/person_erase.html", status, back=back)


@require_permission(Permission.PERSON_RIGHTS)
@require_http_methods(["GET", "HEAD", "POST"])
def erasures(request: Request) -> HttpResponse:
    """Show the list of erasures. An address to look up comes by POST, so that it is in no URL and no log."""
    form = LookUpForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "active_nav": "customers"}
    if request.method == "POST" and form.is_valid():
        context |= _found(form.cleaned_data["address"])
    page = list_page(
        request,
        Erasure.objects.all(),
        columns=ERASURE_COLUMNS,
        search=("short_id", "erased_by_name"),
        default="-at",
        selectable=False,
    )
    context |= {"list": page, "rows": [(row, hooks.personal_data.list_removals(row)) for row in page.rows]}
    return render(request, "segments/person_erasures.html", context)


@require_permission(Permission.PERSON_RIGHTS)
@require_safe
def erasure(request: Request, pk: int) -> HttpResponse:
    """Show an erasure with the progress of its removals from lists."""
    return render(request, "segments/person_erasure.html", _erasure_context(pk))


@require_permission(Permission.PERSON_RIGHTS)
@require_safe
def erasure_live(request: Request, pk: int) -> HttpResponse:
    """Show the removals from lists, for polling."""
    return render(request, "segments/person_removals.html", _erasure_context(pk))


def _count_customers() -> int:
    """Count all customers. Without unified profiles the counts of the data sources are enough."""
    if is_applied():
        return count_profiles()
    return int(DataSource.objects.aggregate(total=Sum("profile_count"))["total"] or 0)


def _value_rows(
    cells: Sequence[profiles.Cell], explanation: Explanation | None
) -> list[tuple[profiles.Cell, str]]:
    """Return cells with the names of the data sources that their values are from; empty for a profile of one."""
    origins = explanation.origins if explanation else {}
    return [(cell, origins[cell.name].source_name if cell.name in origins else "") for cell in cells]


def _part_rows(explanation: Explanation | None, user: User) -> list[PartRow]:
    parts = explanation.parts if explanation else ()
    return [
        PartRow(
            part.profile,
            profiles.shown_key(part.profile, user),
            part.link,
            profiles.shown_key(part.link.other, user) if part.link else "",
        )
        for part in parts
    ]


def _alone(profile: Profile) -> Subject:
    parts, names = with_parts([profile]), hooks.personal_data.email_attributes()
    return Subject(parts, sorted(set().union(*(addresses(each, names) for each in parts))))


def _title(profile: Profile, user: User) -> str:
    names = [str(profile.attributes.get(name, "")) for name in ("first_name", "last_name")]
    shown = " ".join(name for name in names if name)
    return shown if shown and user_can_see_personal_data(user) else profiles.shown_key(profile, user)


def _page_start(request: Request) -> profiles.PageStart:
    after, before = row_id(request.GET.get("after", "")), row_id(request.GET.get("before", ""))
    return profiles.PageStart(before=before) if before else profiles.PageStart(after=after or 0)


def _list(
    found: profiles.ProfilePage,
    attributes: list[catalog.Attribute],
    user: User,
    words: str,
    total: int | None,
) -> CustomerList:
    rows = profiles.profile_rows(found.profiles, attributes, user)
    first, last = (rows[0].profile.id, rows[-1].profile.id) if rows else (0, 0)
    query = {"q": words} if words else {}
    return CustomerList(
        rows=rows,
        search=words,
        sort="",
        total=total,
        previous_url="?" + urlencode(query | {"before": first}) if found.has_previous else "",
        next_url="?" + urlencode(query | {"after": last}) if found.has_next else "",
    )


def _profile(pk: int) -> Profile:
    found = get_profile(pk)
    if found is None:
        raise Http404
    return found


def _erasure_context(pk: int) -> dict[str, Any]:
    found = get_object_or_404(Erasure, pk=pk)
    removals = hooks.personal_data.list_removals(found)
    return {
        "erasure": found,
        "counts": [(label, found.counts.get(name, 0)) for name, label in _COUNTS.items()],
        "removals": removals,
        "live_id": "removals",
        "live_url": reverse("segments:erasure_live", args=[pk]),
        "live_done": not any(removal.is_open for removal in removals),
        "active_nav": "customers",
    }


def _found(address: str) -> dict[str, Any]:
    known = ErasedHash.objects.select_related("erasure").filter(hash=subjects.hash_of_email(address)).first()
    return {
        "looked_up": address,
        "found": known.erasure if known else None,
        "lists": hooks.personal_data.lists(Subject((), (address,))),
    }
