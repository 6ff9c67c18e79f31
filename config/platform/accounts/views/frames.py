"""What the panes and dialogs of Admin > Permissions have in common."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog, render_pane


def back() -> str:
    """Return the address of the list of users."""
    return reverse("accounts:permissions")


def done(request: Request, message: str) -> HttpResponse:
    """Back to the list, with a sentence."""
    return close_pane(request, back(), message)


def dialog(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render a question about a user on whom things may depend."""
    known = {"active_nav": "permissions"} | context
    return render_dialog(request, known, "accounts/letting_go.html", status, back=back())


def pane(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A pane beside the list."""
    return render_pane(request, template, context | {"active_nav": "permissions"}, status, back=back())
