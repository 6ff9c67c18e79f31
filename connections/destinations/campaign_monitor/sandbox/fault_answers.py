"""What trouble makes of an answer: refusals, answers of other programs on the way, and other values."""

import time
from email.utils import formatdate
from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import MESSAGES, NOTHING, Answer
from connections.destinations.campaign_monitor.sandbox.faults import Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply
from connections.destinations.campaign_monitor.sandbox.model import clock

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Kinds whose answer is not the API's own.
REFUSING = frozenset({"throttle", "error", "refuse_credential", "plan_full", "hang"})
_ELSEWHERE = "https://sign-in.example/"
# What programs between a caller and the API answer, by status: title and heading of a page.
_PAGES = {
    200: ("Welcome", "Sign in to use this network"),
    302: ("Found", "The document has moved"),
    403: ("Blocked", "Your request was blocked by a firewall"),
    404: ("Not found", "The requested URL was not found on this server"),
    407: ("Proxy authentication required", "The proxy asks for a sign-in"),
    413: ("Request entity too large", "The request is larger than this server takes"),
}
_HEADERS = {407: {"Proxy-Authenticate": 'Basic realm="proxy"'}}


def refusal(rule: Rule, *, rows: int) -> Answer:
    """The API's refusal that a rule asks for, with the headers that ask for a wait."""
    match rule.kind:
        case "throttle":
            status, code = 429, 429
        case "refuse_credential":
            status, code = 401, rule.code or 100
        case "plan_full":
            status, code = 402, rule.code or 402
        case _:
            status, code = rule.status, rule.code or rule.status
    message = rule.message or MESSAGES.get(code, MESSAGES[500])
    headers = {"Retry-After": rule.retry_after, "X-RateLimit-Reset": rule.rate_limit_reset}
    written = {name: _wait(value, rule.waits_as) for name, value in headers.items() if value is not None}
    return Answer(status, {"Code": code, "Message": message}, written, rows=rows)


def page(status: int, headers: dict[str, str]) -> Reply:
    """The page of a proxy, a firewall or a network that asks for a sign-in; a redirect goes to such a page."""
    title, heading = _PAGES.get(status, ("Error", "The server cannot answer"))
    body = f"<html><head><title>{title}</title></head><body><h1>{heading}</h1></body></html>"
    more = {"Location": _ELSEWHERE} if 300 <= status < 400 else _HEADERS.get(status, {})
    return Reply(status, body.encode(), "text/html", {**headers, **more})


def rewrite(answer: Answer, values: dict[str, Any]) -> Answer:
    """The answer with other values under these names, at any depth."""
    if answer.value is not NOTHING:
        answer.value = _rewritten(answer.value, values)
    return answer


def _rewritten(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_rewritten(each, values) for each in value]
    if isinstance(value, dict):
        return {name: values[name] if name in values else _rewritten(each, values) for name, each in value.items()}
    return value


def _wait(value: float | str, waits_as: str) -> str:
    """Text goes as it is; seconds count from now where a moment is written."""
    if isinstance(value, str):
        return value
    moment = time.time() + clock.ahead.total_seconds() + value
    if waits_as == "date":
        return formatdate(moment, usegmt=True)
    if waits_as == "epoch":
        return str(round(moment))
    return f"{value:.10f}".rstrip("0").rstrip(".")
