"""A person's rights: everything known about them as a file, and being erased. For administrators alone."""

from typing import Any

import orjson
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from segments.models import Profile
from segments.permissions import check_can_answer_for_people
from segments.privacy import erase as privacy_erase
from segments.privacy import personal_data, report, subjects
from segments.privacy.forms import EraseForm
from segments.privacy.personal_data import Place
from segments.privacy.subjects import Scope


@require_permission(Permission.PERSON_RIGHTS)
@require_POST
def download(request: Request, pk: int) -> HttpResponse:
    """Everything known about a person, as JSON. By POST, since that it was taken is recorded."""
    told = report.everything_about(_profile(pk), by=request.user)
    answer = HttpResponse(orjson.dumps(told, option=orjson.OPT_INDENT_2), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="person-{pk}.json"'
    answer["Cache-Control"] = "no-store"
    return answer


@require_http_methods(["GET", "POST"])
def erase(request: Request, pk: int) -> HttpResponse:
    """The question, and by POST the action."""
    check_can_answer_for_people(request.user)
    profile = _profile(pk)
    subject = privacy_erase.meant(profile, scope=Scope.ADDRESS)
    places = personal_data.places(subject)
    form = EraseForm(
        request.POST if request.method == "POST" else None,
        profile=profile,
        with_address=len(subject.profiles) - 1,
        with_key=len(subjects.with_key(profile)),
        places=places,
    )
    if request.method != "POST":
        return _asked(request, profile, form, places)
    if not form.is_valid():
        return _asked(request, profile, form, places, status=422)
    try:
        erasure = privacy_erase.erase(profile, by=request.user, **_decided(form))
    except privacy_erase.NotNow as not_now:
        return _asked(request, profile, form, places, status=409, refusal=str(not_now))
    return close_pane(request, reverse("segments:erasure", args=[erasure.pk]), _("The person is erased."))


def _decided(form: EraseForm) -> dict[str, Any]:
    decided = form.cleaned_data
    return {
        "scope": decided.get("scope", Scope.ADDRESS),
        "same_key": decided.get("same_key", False),
        "places": decided.get("places", []),
    }


def _asked(
    request: Request,
    profile: Profile,
    form: EraseForm,
    places: list[Place],
    *,
    status: int = 200,
    refusal: str = "",
) -> HttpResponse:
    context = {
        "form": form,
        "places": places,
        "by_hand": [place for place in places if place.why_not],
        "keeps": sorted({place.keeps for place in places if place.keeps}),
        "refusal": refusal,
        "title": _("Erase this person?"),
        "confirm_label": _("Erase for good"),
        "danger": True,
        "action_url": reverse("segments:erase", args=[profile.pk]),
        "active_nav": "customers",
    }
    back = reverse("segments:customer", args=[profile.pk])
    return render_dialog(request, context, "segments/person_erase.html", status, back=back)


def _profile(pk: int) -> Profile:
    return get_object_or_404(Profile.objects.select_related("source"), pk=pk)
