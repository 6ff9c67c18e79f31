"""The text on data privacy and compliance in another language."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.platform.web.htmx import Request
from connections import consent_text
from connections.destinations import registry
from connections.permissions import check_can_manage_connections


@require_safe
def words(request: Request, destination_key: str) -> HttpResponse:
    """The part of the pane that holds the text, in ``?language=``."""
    check_can_manage_connections(request.user)
    try:
        destination = registry.get(destination_key)
    except KeyError as error:
        raise Http404 from error
    text = consent_text.read(destination, request.GET.get("language"))
    context = {"text": text, "languages": consent_text.languages(), "destination": destination}
    return render(request, "connections/consent_words.html", context)
