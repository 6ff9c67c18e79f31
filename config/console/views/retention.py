"""Admin > System > Retention: what is stored, how long and why, by the table that the deleting jobs use."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext_lazy
from django.views.decorators.http import require_safe

from config.console.views import tabs_context
from config.platform import retention
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request

_UNITS = (
    (timedelta(days=1), ngettext_lazy("%(n)s day", "%(n)s days", "n")),
    (timedelta(hours=1), ngettext_lazy("%(n)s hour", "%(n)s hours", "n")),
    (timedelta(minutes=1), ngettext_lazy("%(n)s minute", "%(n)s minutes", "n")),
)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def retention_page(request: Request) -> HttpResponse:
    """Show the table, grouped."""
    groups = [
        (group.label, [(kind, words_of(kind)) for kind in retention.table() if kind.group == group])
        for group in retention.Group
    ]
    return render(request, "system/retention.html", tabs_context(request.user, "retention") | {"groups": groups})


def words_of(kind: retention.Retention) -> str:
    """Say how long data are kept: “14 days”, or what ends it."""
    if not kind.is_timed:
        return str(kind.until)
    for unit, form in _UNITS:
        count, rest = divmod(kind.kept_for, unit)
        if count and not rest:
            return str(form % {"n": count})
    raise ValueError(f"{kind.key} is kept for parts of a minute.")
