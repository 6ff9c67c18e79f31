"""Show by which attributes customers are recognized in several data sources; edit the rules with a preview."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.platform.jobs.models import JobStatus
from config.platform.text.stored_texts import translate_stored
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import StaleEdit, version_from
from segments import catalog, unification
from segments.identity_forms import IdentityForm
from segments.models import DataSource, IdentityRules, NormalForm, ValuePreference
from segments.permissions import check_can_manage_identity
from segments.store.unified.groups import GroupCounts
from segments.store.unified.rules import MOST_SHARED


@dataclass(frozen=True)
class ShownRules:
    """The identity rules for the page, with names."""

    identifiers: Sequence[tuple[str, str]]
    sources: Sequence[str]
    preference: str
    other_preference: str
    exceptions: Sequence[str]


@require_safe
def identity(request: Request) -> HttpResponse:
    """Show the identity rules and what they do."""
    check_can_manage_identity(request.user)
    return render(request, "segments/identity.html", _page_context())


@require_safe
def identity_live(request: Request) -> HttpResponse:
    """Show the counts and the state of the job, for polling."""
    check_can_manage_identity(request.user)
    return render(request, "segments/identity_live.html", _page_context())


@require_http_methods(["GET", "POST"])
def edit_identity(request: Request) -> HttpResponse:
    """Edit the identity rules; by POST preview or save them."""
    check_can_manage_identity(request.user)
    stored = unification.stored_rules()
    form = IdentityForm(
        request.POST if request.method == "POST" else None,
        stored=stored,
        attributes=catalog.attributes(),
        sources=list(DataSource.objects.order_by(Lower("name"))),
    )
    if request.method != "POST":
        return _render_pane(request, form, stored)
    if not form.is_valid():
        return _render_pane(request, form, stored, status=422)
    if request.POST.get("act") == "preview":
        return _render_pane(request, form, stored, counts=unification.preview(form.choices()))
    try:
        unification.save_rules(form.choices(), version=version_from(request.POST), by=request.user)
    except StaleEdit as stale:
        return _render_pane(request, form, stored, status=409, stale=stale)
    message = _("The identity rules are saved. The customers are being unified.")
    return close_pane(request, reverse("segments:identity"), message)


def _render_pane(
    request: Request,
    form: IdentityForm,
    stored: IdentityRules,
    *,
    status: int = 200,
    counts: GroupCounts | None = None,
    stale: StaleEdit | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "rules": stored,
        "counts": counts,
        "stale": stale,
        "most_shared": MOST_SHARED,
        "pane_wide": True,
        "active_nav": "identity",
    }
    back = reverse("segments:identity")
    return render_pane(request, "segments/identity_pane.html", context, status, back=back)


def _page_context() -> dict[str, object]:
    stored, job = unification.stored_rules(), unification.last_unification()
    return {
        "rules": _shown(stored),
        "stored": stored,
        "counts": GroupCounts(**stored.counts) if stored.counts else None,
        "job": job,
        "failure": translate_stored(job.message) if job and job.status == JobStatus.FAILED else "",
        "most_shared": MOST_SHARED,
        "live_id": "identity",
        "live_url": reverse("segments:identity_live"),
        "live_done": job is None or not job.is_open,
        "active_nav": "identity",
    }


def _shown(stored: IdentityRules) -> ShownRules:
    names = {each.id: each.name for each in catalog.attributes()}
    sources = dict(DataSource.objects.values_list("pk", "name"))
    others = [each for each in ValuePreference if each != stored.preference]
    return ShownRules(
        identifiers=[
            (names[each["attribute"]], str(NormalForm(each["form"]).label))
            for each in stored.identifiers
            if each["attribute"] in names
        ],
        sources=[sources[pk] for pk in stored.source_order if pk in sources],
        preference=str(ValuePreference(stored.preference).label),
        other_preference=str(others[0].label),
        exceptions=[names[pk] for pk in stored.exceptions if pk in names],
    )
