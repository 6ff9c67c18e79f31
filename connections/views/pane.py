"""Show the pane that sets up or changes a connection, carry out its steps, and receive users who return from a
sign-in."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from config.platform.accounts import reauthentication
from config.platform.web.htmx import Request
from config.platform.web.layers import with_pane
from config.platform.web.middleware import client_address
from config.platform.web.panes import close_pane, is_over_home, render_pane
from config.platform.web.versions import Gone, StaleEdit, version_from
from connections import actions, consent_text, destinations, drafts, hooks
from connections.drafts import Draft
from connections.forms import PART
from connections.models import Connection, Environment
from connections.permissions import check_can_manage_connections
from connections.vault import NotConnected
from connections.views.listing import is_offered
from connections.wizard import Setup

STEPS: dict[str, Callable[[Setup], None]] = {
    "connect": lambda setup: None,  # its draft opens the part
    "authenticate": Setup.authenticate,
    "check": Setup.check,
    "check_stored": Setup.check_stored,
    "replace": Setup.replace,
    "keep": Setup.keep,
    "export_user": Setup.add_export_user,
}
# The lists of the account, and one more by its id; both change nothing but what “Limits” shows.
LIST_STEPS = ("lists", ADD_LIST := "add_list")


def add(request: Request, destination_key: str) -> HttpResponse:
    """Set up a new connection; ``?environment=sandbox`` for one to the sandbox."""
    check_can_manage_connections(request.user)
    try:
        destination = destinations.get(destination_key)
        environment = Environment(request.GET.get("environment", Environment.LIVE))
    except (KeyError, ValueError) as error:
        raise Http404 from error
    if not is_offered(destination, environment):
        raise Http404
    return _pane(request, Connection(destination_key=destination_key, environment=environment))


def edit(request: Request, pk: int) -> HttpResponse:
    """Change a connection, in the same pane."""
    check_can_manage_connections(request.user)
    connections = Connection.objects.select_related("export_user")
    return _pane(request, get_object_or_404(connections, pk=pk))


@require_safe
def consent_text_part(request: Request, destination_key: str) -> HttpResponse:
    """Show the consent text in ``?language=``, as a part of the pane."""
    check_can_manage_connections(request.user)
    try:
        destination = destinations.get(destination_key)
    except KeyError as error:
        raise Http404 from error
    text = consent_text.read(destination, request.GET.get("language"))
    context = {"text": text, "languages": consent_text.languages(), "destination": destination}
    return render(request, "connections/consent_words.html", context)


@never_cache
def authorized(request: Request) -> HttpResponse:
    """Receive the vendor's answer: a code or an error, for a sign-in that began in this session."""
    check_can_manage_connections(request.user)
    draft = drafts.draft_waiting_for(request.session, request.GET.get("state", ""))
    if draft is None:
        context = {"active_nav": "connections", "back": reverse("connections:list")}
        return render(request, "connections/authorization_lost.html", context, status=400)
    connection = _connection_of(draft)
    drafts.finish_sign_in(connection, draft, code=request.GET.get("code", ""), error=request.GET.get("error", ""))
    drafts.save(request.session, draft)
    return redirect(_open_again(draft.address, draft))


def _pane(request: Request, connection: Connection) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    draft = drafts.load(request.session, (posted or request.GET).get("draft", ""), connection)
    back_again = draft.take_typed() if draft is not None and posted is None else None
    address = _address(request)
    setup = Setup(
        user=request.user,
        connection=connection,
        draft=draft,
        data=posted or back_again,
        address=address,
        from_address=client_address(request),
        confirmed=reauthentication.confirmed(request),
    )
    if posted is None:
        return _back_again(request, setup, back_again) if back_again else _shown(request, setup)
    if posted.get("step") in LIST_STEPS:
        return _lists_shown(request, setup)
    return _stepped(request, setup, posted.get("step", ""))


def _stepped(request: Request, setup: Setup, step: str) -> HttpResponse:
    """Carry out the step that was posted; without one, save everything."""
    if step == "sign_in":
        if not any(value for name, value in request.POST.items() if name.startswith("credential-")):
            return _sign_in(request, setup)
        step = "authenticate"  # a key was typed: it is what counts
    if step == "confirm":
        return _confirm(request, setup)
    if step and not setup.may_connect:
        return _shown(request, setup, status=422)
    if step:
        _take(request, setup, step)
        return _shown(request, setup)
    return _saved(request, setup)


def _address(request: Request) -> str:
    """Return the address of the pane, without its draft."""
    query = request.GET.copy()
    query.pop("draft", None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _page_of(request: Request) -> str:
    """Return the address of the page that the pane returns to: Home, when it is open there, or the list."""
    return reverse("system:home") if is_over_home(request) else reverse("connections:list")


def _open_again(address: str, draft: Draft) -> str:
    """Return the address of the page with the pane at ``address`` open over it, which shows ``draft``."""
    joint = "&" if "?" in address else "?"
    return with_pane(
        draft.page or reverse("connections:list"), f"{address}{joint}{urlencode({'draft': draft.id})}"
    )


def _sign_in(request: Request, setup: Setup) -> HttpResponse:
    """Send the user to the vendor; everything typed waits in the draft."""
    draft = setup.draft or drafts.new(setup.connection)
    draft.page = _page_of(request)
    try:
        url = drafts.begin_sign_in(
            setup.connection,
            draft,
            typed=request.POST,
            address=setup.address,
            redirect_uri=return_address(request),
        )
    except (drafts.SignInNotPossible, NotConnected) as impossible:
        setup.problem = str(impossible)
        return _shown(request, setup)
    drafts.save(request.session, draft)
    return send_there(request, url, str(setup.destination.label))


def _confirm(request: Request, setup: Setup) -> HttpResponse:
    """Send the user to single sign-on to confirm their identity; what was typed waits in the draft."""
    draft = setup.draft or drafts.new(setup.connection)
    draft.page = _page_of(request)
    drafts.keep_typed(draft, request.POST)
    drafts.save(request.session, draft)
    door = reauthentication.confirm_url(_open_again(setup.address, draft))
    return send_there(request, door, _("single sign-on"))


def _back_again(request: Request, setup: Setup, typed: QueryDict) -> HttpResponse:
    """Show the pane as it was left, after the vendor sent the user back."""
    if setup.draft is not None:
        setup.problem, setup.draft.problem = setup.draft.problem, ""
        drafts.save(request.session, setup.draft)
    setup.step = "check"  # which is what was done on the way
    version = str(typed.get("version", ""))
    if not setup.is_new and version.isdecimal():
        setup.connection.version = int(version)  # saved by others meanwhile: noticed when this is saved
    return _shown(request, setup)


def _take(request: Request, setup: Setup, step: str) -> None:
    """Carry out one step; unknown steps change nothing."""
    if step not in STEPS:
        return
    setup.draft = setup.draft or drafts.new(setup.connection)
    STEPS[step](setup)
    setup.step = step
    if setup.is_checking and step == "authenticate" and not request.htmx:
        setup.check()  # a page without scripts cannot come back for it
    drafts.save(request.session, setup.draft)


def _saved(request: Request, setup: Setup) -> HttpResponse:
    if not (setup.form.is_valid() & setup.limits_form.is_valid()):
        return _shown(request, setup, status=422)
    if missing := setup.needs:
        setup.form.add_error(None, _("Required: {steps}.").format(steps=", ".join(missing)))
        return _shown(request, setup, status=422)
    try:
        connection = setup.save(version_from(request.POST))
    except actions.NameTaken:
        setup.form.add_error("name", _("Another connection has this name. Choose a different one."))
        return _shown(request, setup, status=422)
    except StaleEdit as stale:
        return _shown(request, setup, status=409, stale=stale)
    except Gone as gone:
        raise Http404 from gone
    if setup.draft is not None:
        drafts.drop(request.session, setup.draft)
    message = _("The connection “{name}” is saved.").format(name=connection.name)
    return close_pane(request, reverse("connections:list"), message, may_stay_home=True)


def _lists_shown(request: Request, setup: Setup) -> HttpResponse:
    limits, adds = setup.limits_form, request.POST.get("step") == ADD_LIST
    if adds:
        limits.full_clean()
    context = {
        "limits": limits,
        "address": setup.address,
        "choices": limits.account_lists(),
        "asked_for_one": adds,
    }
    return render(request, "connections/limited_lists.html", context)


def _shown(request: Request, setup: Setup, status: int = 200, stale: StaleEdit | None = None) -> HttpResponse:
    setup.place_focus()
    context = {"setup": setup, "form": setup.form, "connection": setup.connection, "stale": stale}
    context |= {"address": setup.address}
    context |= {"sign_in": drafts.sign_in_offer(setup.connection, return_address(request))}
    is_part = request.htmx and request.htmx.target == PART
    if is_part and status == 200:
        return render(request, "connections/connect_part.html", context)
    context |= {"active_nav": "connections", "pane_action": setup.address}
    if not setup.is_new:
        context["usages"] = hooks.connection_users.usages(setup.connection.pk)
    if is_part:  # what is wrong stands beside fields outside the part
        context["pane_shell"] = "components/pane_frame.html"
    back = reverse("connections:list")
    answer = render_pane(request, "connections/pane.html", context, status=status, back=back)
    return retarget(reswap(answer, "innerHTML"), "#pane") if is_part else answer


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


def _connection_of(draft: Draft) -> Connection:
    key, environment, pk = draft.subject.split(":")
    if pk == "new":
        return Connection(destination_key=key, environment=environment)
    return get_object_or_404(Connection, pk=pk)
