"""Admin > System > Notifications: where they go, what lasts, and what was sent."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.views import tabs_context
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts, hooks, mail, recipients
from config.platform.notifications.models import Channel, Condition, Notification
from config.platform.notifications.recipients import NotificationsForm
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane, render_pane

COLUMNS = (
    Column("what", gettext_lazy("Item"), order_by=("condition__subject_name", "pk")),
    Column("change", gettext_lazy("Event"), order_by=("change", "pk")),
    Column("recipient", gettext_lazy("Recipient"), order_by=("channel", "recipient", "pk")),
    Column("status", gettext_lazy("Status"), order_by=("status", "pk")),
    Column("when", gettext_lazy("When"), order_by=("created_at",)),
)
MOST_CONDITIONS = 50


@require_permission(Permission.SYSTEM_MANAGE)
@require_safe
def notifications(request: Request) -> HttpResponse:
    """List where notifications go, open alerts, and every notification with its status."""
    page = list_page(
        request,
        Notification.objects.select_related("condition"),
        columns=COLUMNS,
        search=("condition__subject_name", "condition__kind", "recipient", "message"),
        default="-when",
        selectable=False,
    )
    lasting = list(Condition.objects.filter(closed_at=None).order_by("-opened_at")[:MOST_CONDITIONS])
    sentences = hooks.sentences_of(lasting)
    context = tabs_context(request.user, "notifications") | {
        "list": page,
        "lasting": [(condition, sentences[condition.pk]) for condition in lasting],
        "by_mail": mail.is_configured(),
        "mail_from": settings.DEFAULT_FROM_EMAIL,
        "people": recipients.users_with_kinds(),
        "webhook_host": urlsplit(settings.WEBHOOK_URL).hostname or "",
        "is_signed": bool(settings.WEBHOOK_SECRET),
        "last_sent": _last_sent(),
    }
    return render(request, "system/notifications.html", context)


@require_permission(Permission.SYSTEM_MANAGE)
@require_POST
def send_test(request: Request) -> HttpResponse:
    """Send a test to oneself and to the webhook."""
    count = alerts.send_test(by=request.user)
    if count:
        sentence = ngettext(
            "%(n)d test notification is being sent.", "%(n)d test notifications are being sent.", count
        ) % {"n": count}
        messages.success(request, sentence)
    else:
        sentence = _("No delivery channel. Configure a mail server and your email address, or a webhook.")
        messages.error(request, sentence)
    return redirect("system:notifications")


@require_permission(Permission.SYSTEM_VIEW)
@require_http_methods(["GET", "POST"])
def my_notifications(request: Request) -> HttpResponse:
    """Let users choose which notifications they receive by mail."""
    back = reverse("system:notifications" if request.user.may(Permission.SYSTEM_MANAGE) else "system:general")
    form = NotificationsForm(request.user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        recipients.choose_kinds(user=request.user, **form.cleaned_data)
        return close_pane(request, back, _("Your notifications are saved."))
    context = {"active_nav": "system", "form": form, "by_mail": mail.is_configured()}
    return render_pane(request, "system/my_notifications.html", context, 422 if form.is_bound else 200, back=back)


def _last_sent() -> dict[str, object]:
    sent = Notification.objects.filter(status=JobStatus.SUCCESSFUL).order_by().values_list("channel")
    found = dict(sent.annotate(last=Max("finished_at")))
    return {channel.value: found.get(channel.value) for channel in Channel}
