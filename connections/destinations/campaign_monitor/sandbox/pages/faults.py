"""The faults page: switch trouble on and off."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from connections.destinations.campaign_monitor.sandbox.faults import KINDS, WAITS_AS, BadFaults, Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.pages.rendering import page
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox


def _seconds_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


# The form's fields by what they are read as; an empty one is left to its default.
_READ_AS: dict[str, Callable[[str], Any]] = {
    "kind": str,
    "method": str,
    "path": str,
    "message": str,
    "skip": int,
    "times": int,
    "status": int,
    "code": int,
    "probability": float,
    "retry_after": _seconds_or_text,
    "rate_limit_reset": _seconds_or_text,
    "waits_as": str,
    "seconds": float,
}
_HERE = "/faults/"


def faults(sandbox: Sandbox, request: Request) -> Reply:
    """What trouble there is, and forms for more."""
    return _page(sandbox, allowed=allowed(sandbox, request))


def change_faults(sandbox: Sandbox, request: Request) -> Reply:
    """One of the page's buttons."""
    if not allowed(sandbox, request) or not from_here(request):
        return _page(sandbox, status=403, allowed=False)
    form = parse_qsl(request.body.decode("utf-8", "replace"))
    values = {name: value.strip() for name, value in form if value.strip()}
    try:
        _do(sandbox, values)
    except (BadFaults, ValueError) as error:
        return _page(sandbox, status=400, allowed=True, error=str(error), values=values)
    return Reply(303, headers={"Location": _HERE})


def _do(sandbox: Sandbox, values: dict[str, str]) -> None:
    match values.get("do"):
        case "wait":
            sandbox.faults.set_latency(float(values.get("latency_ms", 0)), float(values.get("jitter_ms", 0)))
        case "add":
            sandbox.faults.add(_rule(values))
        case "remove":
            sandbox.faults.remove(int(values["number"]))
        case "clear":
            sandbox.faults.clear()
        case _:
            raise BadFaults("Nothing was chosen.")


def _rule(values: dict[str, str]) -> Rule:
    rule: dict[str, Any] = {name: read_as(values[name]) for name, read_as in _READ_AS.items() if values.get(name)}
    rule["applied"] = "applied" in values
    rule["emails"] = values.get("emails", "").replace(",", " ").split()
    further = orjson.loads(values["further"]) if values.get("further") else {}
    if not isinstance(further, dict):
        raise BadFaults("Further settings are a JSON object.")
    return Rule.read(rule | further)


def _page(sandbox: Sandbox, *, status: int = 200, **context: Any) -> Reply:
    described = [(rule, _told(rule)) for rule in sandbox.faults.rules]
    return page(
        "faults.html",
        status=status,
        active="faults",
        faults=sandbox.faults,
        rules=described,
        kinds=KINDS,
        waits_as=WAITS_AS,
        **context,
    )


def _told(rule: Rule) -> list[str]:
    """What is set on a rule beyond its kind, in the words of its JSON."""
    plain = Rule(rule.kind)
    names = (
        "status",
        "code",
        "message",
        "html",
        "applied",
        "retry_after",
        "rate_limit_reset",
        "waits_as",
        "seconds",
        "emails",
        "row",
        "rows",
        "values",
    )
    told = {name: getattr(rule, name) for name in names if getattr(rule, name) != getattr(plain, name)}
    return [f"{name} {_written(value)}" for name, value in told.items()]


def _written(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)


def allowed(sandbox: Sandbox, request: Request) -> bool:
    return request.local or sandbox.open_doors


def from_here(request: Request) -> bool:
    """Whether the form was on this page, and not on somebody else's."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
