"""Download and erase the personal data of a person, and show erasures. For administrators only."""

from typing import Any

import orjson
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane, render_dialog
from segments import hooks
from segments.forms import EraseForm, LookUpForm
from segments.models import ErasedHash, Erasure, Profile
from segments.permissions import check_can_manage_personal_data
from segments.privacy import erase as privacy_erase
from segments.privacy import hashes, subject_access, subjects
from segments.privacy.subjects import Scope, Subject

COLUMNS = [
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


@require_permission(Permission.PERSON_RIGHTS)
@require_POST
def download(request: Request, pk: int) -> HttpResponse:
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
        with_address=len(subject.profiles) - 1,
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
        "action_url": reverse("segments:erase", args=[profile.pk]),
        "active_nav": "customers",
    }
    back = reverse("segments:customer", args=[profile.pk])
    return render_dialog(request, context, "segments/person_erase.html", status, back=back)


def _profile(pk: int) -> Profile:
    return get_object_or_404(Profile.objects.select_related("source"), pk=pk)


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
        columns=COLUMNS,
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
    return render(request, "segments/person_erasure.html", _context(pk))


@require_permission(Permission.PERSON_RIGHTS)
@require_safe
def live(request: Request, pk: int) -> HttpResponse:
    """Show the removals from lists, for polling."""
    return render(request, "segments/person_removals.html", _context(pk))


def _context(pk: int) -> dict[str, Any]:
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
    known = ErasedHash.objects.select_related("erasure").filter(hash=hashes.of_email(address)).first()
    return {
        "looked_up": address,
        "found": known.erasure if known else None,
        "lists": hooks.personal_data.lists(Subject((), (address,))),
    }
