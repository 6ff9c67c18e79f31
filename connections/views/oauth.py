"""Send users to the vendor to grant access, and receive them when they return."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from config.platform.web.htmx import Request
from connections import drafts, oauth_flow
from connections.drafts import Draft
from connections.models import Connection
from connections.permissions import check_can_manage_connections


@never_cache
def authorized(request: Request) -> HttpResponse:
    """Receive the vendor's answer: a code or an error, for a sign-in that began in this session."""
    check_can_manage_connections(request.user)
    draft = oauth_flow.waiting(request.session, request.GET.get("state", ""))
    if draft is None:
        context = {"active_nav": "connections", "back": reverse("connections:list")}
        return render(request, "connections/authorization_lost.html", context, status=400)
    connection = _connection(draft)
    oauth_flow.finish(connection, draft, code=request.GET.get("code", ""), error=request.GET.get("error", ""))
    drafts.save(request.session, draft)
    joint = "&" if "?" in draft.address else "?"
    return redirect(f"{draft.address}{joint}{urlencode({'draft': draft.id})}")


def send_there(request: Request, url: str, name: str) -> HttpResponse:
    """Redirect the browser to the vendor. A form may not be answered by a redirect to elsewhere (form-action),
    so a page with a Refresh header leads there."""
    if request.htmx:
        return HttpResponseClientRedirect(url)
    page = render(request, "connections/leaving.html", {"url": url, "name": name, "active_nav": "connections"})
    page.headers["Refresh"] = f"0; url={url}"
    return page


def return_address(request: HttpRequest) -> str:
    """Return the address to which the vendor has to answer."""
    return request.build_absolute_uri(reverse("connections:authorized"))


def _connection(draft: Draft) -> Connection:
    key, environment, pk = draft.subject.split(":")
    if pk == "new":
        return Connection(destination_key=key, environment=environment)
    return get_object_or_404(Connection, pk=pk)
