"""What all pages of a run have in common: its head and its tabs."""

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.schedules import describe
from config.platform.web.htmx import Request
from connections.account import Account
from connections.models import Connection
from exports.models import Run
from exports.permissions import user_can_manage
from exports.policies import can_run
from exports.views.run_summary import ShownRun


def find_run(run_id: int) -> Run:
    """The run with what its head says of it, or 404."""
    runs = Run.objects.select_related(
        "export__connection", "requested_by", "retry_of", "cleanup__delivered_set", "cleanup__connection"
    )
    return get_object_or_404(runs, pk=run_id)


def frame(request: Request, run: Run, tab: str) -> dict[str, object]:
    """The context of the head; ``tab`` is the name of the page's address."""
    may_manage = user_can_manage(request.user, run.export)
    return {
        "run": run,
        "shown": ShownRun(run),
        "export": run.export,
        "connection_name": run.frozen.get("connection") or run.connection,
        "list_title": run.frozen.get("list_title") or run.target.list_title,
        "is_sandbox": _is_sandbox(run),
        "sandbox_url": _sandbox_url(request, run),
        "tried_again_by": Run.objects.filter(retry_of=run).first(),
        "most_retries": settings.RUN_RETRIES,
        "due": [describe.describe_tick(tick) for tick in run.ticks.all()],
        "may_manage": may_manage,
        "may_run_again": may_manage and not (run.is_open or run.is_cleanup) and can_run(run.export),
        "tabs": [
            (label, reverse(name, args=[run.pk]), name == tab)
            for label, name in (
                (_("Overview"), "exports:run"),
                (_("Contacts"), "exports:people"),
                (_("Batches"), "exports:batches"),
                (_("Settings used"), "exports:run_settings"),
            )
        ],
        "active_nav": "exports",
    }


def _is_sandbox(run: Run) -> bool:
    """By the account that it worked on; before that is known, by the connection."""
    if run.account:
        return Account.parse(run.account).is_sandbox
    return bool(run.connection and run.connection.is_sandbox)


def _sandbox_url(request: HttpRequest, run: Run) -> str:
    """The page of the sandbox that shows who arrived; empty for the real service."""
    connection: Connection | None = run.connection
    if connection is None or not _is_sandbox(run) or not connection.destination.sandbox_url:
        return ""
    list_id = run.list_id or run.target.list_id
    return f"{connection.destination.sandbox_url.rstrip('/')}/lists/{list_id}/"
