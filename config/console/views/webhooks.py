"""Admin > System > Webhooks: where events are sent, and what became of each."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.views import tabs_context
from config.console.webhook_form import WebhookForm, scope_label
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.events import rounds, webhooks
from config.platform.events.models import TEST_EVENT, Delivery, EventType, Webhook
from config.platform.events.receiver import WrongAddress
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, row_id
from config.platform.web.panes import close_pane, render_dialog, render_pane
from config.platform.web.versions import Gone, StaleEdit, version_from

_COLUMNS = (
    Column("address", gettext_lazy("Address"), order_by=("address",)),
    Column("scope", gettext_lazy("Scope")),
    Column("events", gettext_lazy("Events")),
    Column("status", gettext_lazy("Status"), order_by=("-is_enabled", "failing_since")),
)
_LOG_COLUMNS = (
    Column("event", gettext_lazy("Event"), order_by=("event__type", "pk")),
    Column("status", gettext_lazy("Status"), order_by=("status", "pk")),
    Column("answer", gettext_lazy("Answer"), order_by=("http_status", "pk"), kind="number"),
    Column("duration", gettext_lazy("Duration"), order_by=("duration_ms", "pk"), kind="number"),
    Column("attempts", gettext_lazy("Attempts"), order_by=("tries", "pk"), kind="number"),
    Column("when", gettext_lazy("When"), order_by=("pk",)),
    Column("actions", gettext_lazy("Actions")),
)
# The filter of the log, by the statuses that a delivery can have.
_STATUSES = (
    ("waiting", gettext_lazy("Waiting"), (JobStatus.QUEUED, JobStatus.PROCESSING)),
    ("sent", gettext_lazy("Sent"), (JobStatus.SUCCESSFUL,)),
    ("not_sent", gettext_lazy("Not sent"), (JobStatus.FAILED, JobStatus.CANCELED)),
)


@require_permission(Permission.WEBHOOK_MANAGE)
@require_safe
def webhook_list(request: Request) -> HttpResponse:
    """List the webhooks with their state."""
    page = list_page(
        request, Webhook.objects.all(), columns=_COLUMNS, search=("address",), default="address", selectable=False
    )
    context = tabs_context(request.user, "webhooks") | {
        "list": page,
        "rows": [(webhook, scope_label(webhook)) for webhook in page.rows],
        "all_types": len(EventType),
    }
    return render(request, "system/webhooks.html", context)


@never_cache
@require_permission(Permission.WEBHOOK_MANAGE)
@require_http_methods(["GET", "POST"])
def add_webhook(request: Request) -> HttpResponse:
    """Show and take the pane of a new webhook; its secret is shown once."""
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            webhook, secret = webhooks.create_webhook(by=request.user, **form.values())
        except WrongAddress as refusal:
            form.add_error("address", str(refusal))
        else:
            return _show_secret(request, webhook, secret)
    status = 422 if form.is_bound else 200
    return _pane(request, "system/webhook_form.html", {"form": form}, status)


@require_permission(Permission.WEBHOOK_MANAGE)
@require_http_methods(["GET", "POST"])
def edit_webhook(request: Request, webhook_id: int) -> HttpResponse:
    """Show and take the pane of a webhook."""
    webhook = get_object_or_404(Webhook, pk=webhook_id)
    form = WebhookForm(request.POST if request.method == "POST" else None, webhook=webhook)
    context: dict[str, object] = {"form": form, "webhook": webhook}
    if form.is_bound and form.is_valid():
        try:
            webhooks.edit_webhook(webhook, version=version_from(request.POST), by=request.user, **form.values())
        except WrongAddress as refusal:
            form.add_error("address", str(refusal))
        except Gone:
            raise Http404 from None
        except StaleEdit as stale:
            return _pane(request, "system/webhook_form.html", context | {"stale": stale}, 409)
        else:
            return close_pane(request, _url(webhook), _("The webhook is saved."))
    return _pane(request, "system/webhook_form.html", context, 422 if form.is_bound else 200)


@require_permission(Permission.WEBHOOK_MANAGE)
@require_safe
def webhook(request: Request, webhook_id: int) -> HttpResponse:
    """Show a webhook with its delivery log, and beside the button the result of a test."""
    found = get_object_or_404(Webhook, pk=webhook_id)
    deliveries = found.deliveries.select_related("event")
    status, kind = request.GET.get("status", ""), request.GET.get("type", "")
    for key, _label, statuses in _STATUSES:
        deliveries = deliveries.filter(status__in=statuses) if key == status else deliveries
    if kind in (*EventType.values, TEST_EVENT):
        deliveries = deliveries.filter(event__type=kind)
    page = list_page(
        request,
        deliveries,
        columns=_LOG_COLUMNS,
        search=("event__event_id", "message"),
        default="-when",
        selectable=False,
    )
    asked = row_id(request.GET.get("tested", "")) or 0
    tested = found.deliveries.filter(pk=asked, event__type=TEST_EVENT).first()
    context = tabs_context(request.user, "webhooks") | {
        "list": page,
        "webhook": found,
        "scope": scope_label(found),
        "types": [each.label for each in EventType if each.value in found.event_types],
        "tested": tested,
        "statuses": [(key, label) for key, label, _statuses in _STATUSES],
        "kinds": [*EventType.choices, (TEST_EVENT, _("Test"))],
        "chosen_status": status,
        "chosen_type": kind,
    }
    return render(request, "system/webhook.html", context)


@require_permission(Permission.WEBHOOK_MANAGE)
@require_POST
def test_webhook(request: Request, webhook_id: int) -> HttpResponse:
    """Send a test event now, and show the answer."""
    found = get_object_or_404(Webhook, pk=webhook_id)
    delivery = rounds.deliver_now(webhooks.create_test(found, by=request.user))
    return redirect(f"{_url(found)}?tested={delivery.pk}")


@never_cache
@require_permission(Permission.WEBHOOK_MANAGE)
@require_http_methods(["GET", "POST"])
def replace_secret(request: Request, webhook_id: int) -> HttpResponse:
    """Ask, then replace the secret, and show the new one once."""
    found = get_object_or_404(Webhook, pk=webhook_id)
    if request.method == "POST":
        return _show_secret(request, found, webhooks.rotate_secret(found, by=request.user))
    return _pane(
        request, "system/webhook_replace_secret.html", {"webhook": found, "pane_save": _("Replace secret")}
    )


@require_permission(Permission.WEBHOOK_MANAGE)
@require_http_methods(["GET", "POST"])
def remove_webhook(request: Request, webhook_id: int) -> HttpResponse:
    """Ask, then remove a webhook with what waits."""
    found = get_object_or_404(Webhook, pk=webhook_id)
    back = reverse("system:webhooks")
    if request.method == "POST":
        webhooks.remove_webhook(found, by=request.user)
        return close_pane(request, back, _("“%(name)s” is removed.") % {"name": found})
    context = {
        "title": _("Remove webhook?"),
        "names": [found.address],
        "sentence": _("Waiting events are not sent, and the delivery log is deleted."),
        "confirm_label": _("Remove"),
        "danger": True,
        "active_nav": "system",
    }
    return render_dialog(request, context, back=back)


@require_permission(Permission.WEBHOOK_MANAGE)
@require_safe
def delivery(request: Request, delivery_id: int) -> HttpResponse:
    """Show what is sent of an event."""
    found = get_object_or_404(Delivery.objects.select_related("event", "webhook"), pk=delivery_id)
    return _pane(
        request, "system/webhook_delivery.html", {"delivery": found, "body": rounds.shown_body(found.event)}
    )


@require_permission(Permission.WEBHOOK_MANAGE)
@require_POST
def resend(request: Request, delivery_id: int) -> HttpResponse:
    """Queue a delivery again."""
    found = get_object_or_404(Delivery.objects.select_related("event", "webhook"), pk=delivery_id)
    try:
        webhooks.resend(found, by=request.user)
    except webhooks.NotSent as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The event is sent again."))
    return redirect(_url(found.webhook))


def _show_secret(request: Request, webhook: Webhook, secret: str) -> HttpResponse:
    context = {"webhook": webhook, "secret": secret, "done_url": _url(webhook)}
    return _pane(request, "system/webhook_secret.html", context)


def _pane(request: Request, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
    known = context.get("webhook")
    back = _url(known) if isinstance(known, Webhook) else reverse("system:webhooks")
    return render_pane(request, template, {"active_nav": "system", **context}, status, back=back)


def _url(webhook: Webhook) -> str:
    return reverse("system:webhook", args=[webhook.pk])
