"""The page where an account's owner lets somebody in, and the page that shows who was let in."""

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connections.destinations.campaign_monitor.sandbox import defaults, oauth
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.pages.faults import allowed, from_here
from connections.destinations.campaign_monitor.sandbox.pages.rendering import page, query
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

_HERE = "/authorizations/"


def ask(sandbox: Sandbox, request: Request) -> Reply:
    """GET /oauth: who asks, for what, and the sign-in of the owner."""
    asked = query(request)
    return _refusal(sandbox, asked) or _page(asked)


def decide(sandbox: Sandbox, request: Request) -> Reply:
    """POST /oauth: Allow gives a code to the address that asked, Deny an error."""
    asked, typed = query(request), dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if refusal := _refusal(sandbox, asked):
        return refusal
    if typed.get("do") != "allow":
        return _back(asked, error="access_denied", error_description="The user has denied your application access")
    if (typed.get("email", "").strip().lower(), typed.get("password")) != (
        defaults.OWNER_EMAIL,
        defaults.OWNER_PASSWORD,
    ):
        return _page(asked, status=403, wrong=True, email=typed.get("email", ""))
    return _back(asked, code=sandbox.authorizing.new_code(asked["redirect_uri"], _scopes(asked)))


def authorizations(sandbox: Sandbox, request: Request) -> Reply:
    """Tokens that were given, and switches."""
    with sandbox.store.lock:
        tokens = sorted(sandbox.store.tokens.values(), key=lambda each: each.expires_at, reverse=True)[:50]
    return page(
        "authorizations.html",
        active="authorizations",
        state=sandbox.authorizing,
        tokens=[(each, int(each.expires_at - time.time())) for each in tokens],
        total=len(sandbox.store.tokens),
        allowed=allowed(sandbox, request),
    )


def change_authorizations(sandbox: Sandbox, request: Request) -> Reply:
    """One of that page's buttons."""
    if not allowed(sandbox, request) or not from_here(request):
        return page("not_found.html", status=403)
    typed = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    match typed.get("do"):
        case "expire":
            oauth.expire(sandbox.store)
        case "revoke":
            oauth.revoke(sandbox.store)
        case "set":
            seconds = typed.get("lifetime_seconds", "")
            if seconds.isdecimal() and int(seconds):
                sandbox.authorizing.lifetime_seconds = int(seconds)
            sandbox.authorizing.rotates = "rotates" in typed
    return Reply(303, headers={"Location": _HERE})


def _refusal(sandbox: Sandbox, asked: dict[str, str]) -> Reply | None:
    """What is wrong with the question. Nobody is sent to an address that is not registered."""
    if asked.get("client_id") != str(defaults.OAUTH_CLIENT_ID):
        return page("consent_refused.html", status=400, error="unknown_client")
    if not sandbox.authorizing.may_return_to(asked.get("redirect_uri", "")):
        return page("consent_refused.html", status=400, error="invalid_redirect_uri")
    if asked.get("type", "web_server") != "web_server":
        return _back(asked, error="invalid_request", error_description="The type must be web_server")
    if not set(_scopes(asked)) <= set(oauth.SCOPES) or not _scopes(asked):
        return _back(
            asked, error="unknown_scope", error_description="The scope names a permission that is not known"
        )
    return None


def _scopes(asked: dict[str, str]) -> list[str]:
    return [scope.strip() for scope in asked.get("scope", "").split(",") if scope.strip()]


def _page(asked: dict[str, str], *, status: int = 200, **context: Any) -> Reply:
    reply = page("consent.html", status=status, asked=asked, scopes=_scopes(asked), **context)
    # Browsers hold a form's redirects to form-action as well, and the answer goes to whoever asked.
    back = urlsplit(asked["redirect_uri"])
    policy = reply.headers["Content-Security-Policy"]
    origin = f"{back.scheme}://{back.netloc}"
    reply.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", f"form-action 'self' {origin}")
    return reply


def _back(asked: dict[str, str], **answer: str) -> Reply:
    if "state" in asked:
        answer["state"] = asked["state"]
    uri = asked["redirect_uri"]
    return Reply(303, headers={"Location": f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"})
