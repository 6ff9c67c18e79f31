"""Render panes and dialogs: one address answers with a page, or for htmx with what slides in from the right."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django_htmx.http import HttpResponseClientRedirect

from config.platform.web.layers import page_address


def render_pane(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    status: int = 200,
    *,
    back: str = "/",
) -> HttpResponse:
    """Render ``template``, which extends ``pane_base``: its frame alone when htmx asks for it, else a whole page.

    ``back`` is where × and Cancel lead on that page. Answer with 422 when the form has errors and with 409 when
    another user saved first (``stale`` in the context)."""
    return render(request, template, {"pane_back": back, **(context or {})}, status=status)


def render_dialog(
    request: HttpRequest,
    context: Mapping[str, Any] | None = None,
    template: str = "components/confirm.html",
    status: int = 200,
    *,
    back: str = "/",
) -> HttpResponse:
    """Render a question in a dialog; ``context`` as described in components/confirm.html."""
    return render(request, template, {"pane_back": back, **(context or {})}, status=status)


def close_pane(
    request: HttpRequest,
    to: str,
    message: str | Promise = "",
    *,
    level: int = messages.SUCCESS,
    may_stay_home: bool = False,
) -> HttpResponse:
    """Answer an action: go to ``to``, and show ``message`` there in a toast.

    A user who is on that page already comes back to it as it was: same search, same order, same page number. With
    ``may_stay_home``, a user who opened the pane over Home comes back there: to the guide to the first run."""
    if message:
        messages.add_message(request, level, str(message))
    if may_stay_home and is_over_home(request):
        to = reverse("system:home")
    if request.headers.get("HX-Request") != "true":
        return redirect(to)
    return HttpResponseClientRedirect(_same_page(request, to))


def is_over_home(request: HttpRequest) -> bool:
    """Tell whether what the request asks for is open over Home."""
    current = urlsplit(page_address(request.headers.get("HX-Current-URL", ""))).path
    return request.headers.get("HX-Request") == "true" and current == reverse("system:home")


def refused(sentence: str) -> HttpResponse:
    """Answer that nothing was done, and why: a toast for htmx, plain words elsewhere."""
    response = HttpResponse(sentence, status=409, content_type="text/plain; charset=utf-8")
    response["HX-Trigger"] = json.dumps({"toast": {"text": sentence, "tone": "error"}})
    response["HX-Reswap"] = "none"
    return response


def _same_page(request: HttpRequest, to: str) -> str:
    current = page_address(request.headers.get("HX-Current-URL", ""))
    return current if "?" not in to and urlsplit(current).path == to else to
