"""Mail to people: short, plain, and only where a mail server is configured."""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

log = logging.getLogger(__name__)


def is_configured() -> bool:
    """Whether mail can be sent at all (EMAIL_URL)."""
    return bool(settings.MAIL_CONFIGURED)


def send(template: str, *, to: str, subject: str, context: Mapping[str, object]) -> bool:
    """Send ``templates/notifications/<template>.txt`` to one person. False when the server would not take it; the
    log does not say what the mail says, since it may hold a link that opens an account."""
    if not is_configured() or not to:
        return False
    known = {"product_name": settings.PRODUCT_NAME, "organisation_name": settings.ORGANISATION_NAME}
    body = render_to_string(f"notifications/{template}.txt", {**known, **context})
    try:
        EmailMessage(" ".join(subject.split()), body, to=[to]).send()
    except OSError as error:  # what smtplib raises, too
        log.error("mail.not_sent", extra={"template": template, "error": type(error).__name__})
        return False
    return True
