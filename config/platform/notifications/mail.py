"""Send short plain mails, where a mail server is configured."""

import logging
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.platform.accounts.models import User
from config.platform.notifications import hooks
from config.platform.notifications.models import Change, Notification
from config.platform.web.models import organisation_name


def absolute_url(path: str) -> str:
    """Return the whole address of a page, by PUBLIC_URL; empty where ``path`` is."""
    return urljoin(f"{settings.PUBLIC_URL.rstrip('/')}/", path.lstrip("/")) if path else ""


log = logging.getLogger(__name__)


def is_configured() -> bool:
    """Return whether mail can be sent at all (EMAIL_URL)."""
    return bool(settings.MAIL_CONFIGURED)


def send(template: str, *, to: str, subject: str, context: Mapping[str, object]) -> bool:
    """Send ``templates/notifications/<template>.txt`` to one person. False when the server would not take it; the
    log does not say what the mail says, since it may hold a link that opens an account."""
    if not is_configured() or not to:
        return False
    try:
        _message(template, to=to, subject=subject, context=context).send()
    except OSError as error:  # what smtplib raises, too
        log.error("mail.not_sent", extra={"template": template, "error": type(error).__name__})
        return False
    return True


def send_notification(notification: Notification) -> None:
    """Mail a notification to its recipient, in their language; raises what smtplib raises. Its Message-ID stays
    the same however often it is sent, so that mail systems recognize it."""
    condition = notification.condition
    worse = notification.change == Change.OPENED
    with override(_language_of(notification.recipient)):
        subject = str(condition) if worse else _("“%(name)s”: resolved") % {"name": condition.subject_name}
        sentence = hooks.sentences_of([condition])[condition.pk]
        context = {"condition": condition, "sentence": sentence, "url": absolute_url(condition.path)}
        template = "condition_opened" if worse else "condition_closed"
        message = _message(template, to=notification.recipient, subject=subject, context=context)
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    message.extra_headers = {
        "Message-ID": f"<notification-{notification.pk}-{int(notification.created_at.timestamp())}@{host}>",
        "Auto-Submitted": "auto-generated",
    }
    message.send()


def _message(template: str, *, to: str, subject: str, context: Mapping[str, object]) -> EmailMessage:
    organisation = organisation_name() or _("your organization")
    known = {"product_name": settings.PRODUCT_NAME, "organisation_name": organisation}
    body = render_to_string(f"notifications/{template}.txt", {**known, **context})
    return EmailMessage(" ".join(subject.split()), body, to=[to])


def _language_of(address: str) -> str:
    """Return the language of the user with that address; the default for others."""
    chosen = User.objects.filter(email__iexact=address).values_list("language", flat=True).first()
    return chosen or settings.LANGUAGE_CODE
