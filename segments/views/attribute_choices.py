"""Search the attributes for a condition of the builder: types, samples, and how many customers have a value."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config.platform.accounts.models import User
from config.platform.web.htmx import Request
from config.platform.web.panes import render_dialog
from segments import catalog
from segments.catalog import Attribute
from segments.permissions import check_can_manage_segments
from segments.store.fill import count_filled
from segments.views.attributes import sample_texts

MAX_SHOWN = 20


@dataclass(frozen=True)
class AttributeChoice:
    """An attribute to choose; ``percent`` of the customers have a value, None without customers."""

    attribute: Attribute
    percent: int | None
    samples: Sequence[str]


@require_safe
def attribute_choices(request: Request) -> HttpResponse:
    """Show the attributes whose name or type contains ``?q=``, for the control of a condition with the ID
    ``?for=``; the list alone when the user types."""
    check_can_manage_segments(request.user)
    wanted = request.GET.get("q", "").strip().casefold()
    found = [
        each
        for each in catalog.attributes()
        if wanted in each.name.casefold() or wanted in str(each.data_type.label).casefold()
    ]
    context = {
        "choices": _choices(found[:MAX_SHOWN], request.user),
        "found": len(found),
        "more": max(0, len(found) - MAX_SHOWN),
        "control": request.GET.get("for", ""),
    }
    if request.htmx and request.htmx.target == "attribute-choices":
        return render(request, "segments/attribute_choices_list.html", context)
    return render_dialog(request, context, "segments/attribute_choices.html", back=reverse("segments:list"))


def _choices(found: Sequence[Attribute], user: User) -> list[AttributeChoice]:
    total, fills = count_filled(found)
    return [
        AttributeChoice(
            each,
            round(100 * fills[each.id].profiles / total) if total else None,
            sample_texts(each.data_type, fills[each.id], user),
        )
        for each in found
    ]
