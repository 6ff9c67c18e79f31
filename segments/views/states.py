"""Activating and deactivating segments, and making them static or dynamic: the selected ones, all or none."""

from collections.abc import Callable

from django.db import transaction
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane
from segments import actions
from segments.models import Segment
from segments.permissions import check_can_manage_segments

MOST = 500


@require_POST
def activate(request: Request) -> HttpResponse:
    return _for_selected(request, actions.activate_segment, _activated)


@require_POST
def deactivate(request: Request) -> HttpResponse:
    return _for_selected(request, actions.deactivate_segment, _deactivated)


@require_POST
def make_static(request: Request) -> HttpResponse:
    return _for_selected(request, actions.make_static, _made_static)


@require_POST
def make_dynamic(request: Request) -> HttpResponse:
    return _for_selected(request, actions.make_dynamic, _made_dynamic)


def _for_selected(request: Request, action: Callable[..., None], told: Callable[[int], str]) -> HttpResponse:
    check_can_manage_segments(request.user)
    ids = {int(pk) for pk in request.POST.getlist("selected")[:MOST] if _is_id(pk)}
    segments = list(Segment.objects.filter(pk__in=ids).order_by("pk"))
    if not segments or len(segments) != len(ids):
        raise Http404
    with transaction.atomic():
        for segment in segments:
            action(segment, by=request.user)
    back = reverse("segments:list")
    if request.POST.get("back") == "detail":
        back = reverse("segments:detail", args=[segments[0].pk])
    return close_pane(request, back, told(len(segments)))


def _activated(n: int) -> str:
    sentence = ngettext(
        "{n} segment is active and being refreshed.", "{n} segments are active and being refreshed.", n
    )
    return sentence.format(n=n)


def _deactivated(n: int) -> str:
    return ngettext("{n} segment is inactive now.", "{n} segments are inactive now.", n).format(n=n)


def _made_static(n: int) -> str:
    return ngettext("{n} segment stays as it is now.", "{n} segments stay as they are now.", n).format(n=n)


def _made_dynamic(n: int) -> str:
    return ngettext("{n} segment is refreshed again.", "{n} segments are refreshed again.", n).format(n=n)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
