"""Who was erased — without saying who: when, by whom, how much, and how far removals from lists are."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from segments.models import ErasedHash, Erasure
from segments.privacy import hashes, personal_data
from segments.privacy.forms import LookUpForm
from segments.privacy.subjects import Subject

COLUMNS = [
    Column("short_id", _("Erasure"), order_by=("short_id",)),
    Column("at", _("When"), order_by=("erased_at",)),
    Column("by", _("By"), order_by=("erased_by_name", "-id")),
    Column("profiles", _("Profiles"), kind="number"),
    Column("lists", _("Removals from lists")),
]
# What went, in the order of telling.
_FIGURES = {
    "profiles": _("Profiles"),
    "segments": _("Segments left"),
    "batches": _("Batches"),
    "outcomes": _("Outcomes"),
    "delivered": _("Known on lists"),
}


@require_permission(Permission.PERSON_RIGHTS)
@require_http_methods(["GET", "HEAD", "POST"])
def erasures(request: Request) -> HttpResponse:
    """The list. An address to look up comes by POST, so that it stands in no address bar and no log."""
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
    context |= {"list": page, "rows": [(row, personal_data.removals(row)) for row in page.rows]}
    return render(request, "segments/person_erasures.html", context)


@require_permission(Permission.PERSON_RIGHTS)
@require_safe
def erasure(request: Request, pk: int) -> HttpResponse:
    """One erasure; its lower part follows the removals from lists by itself."""
    return render(request, "segments/person_erasure.html", _context(pk))


@require_permission(Permission.PERSON_RIGHTS)
@require_safe
def live(request: Request, pk: int) -> HttpResponse:
    """The part that follows the removals."""
    return render(request, "segments/person_removals.html", _context(pk))


def _context(pk: int) -> dict[str, Any]:
    found = get_object_or_404(Erasure, pk=pk)
    removals = personal_data.removals(found)
    return {
        "erasure": found,
        "figures": [(label, found.figures.get(name, 0)) for name, label in _FIGURES.items()],
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
        "places": personal_data.places(Subject((), (address,))),
    }
