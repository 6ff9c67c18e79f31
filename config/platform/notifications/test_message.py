"""A test message to oneself and to the webhook, by the same way as any other."""

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.kinds import Kind


@transaction.atomic
def send_test(*, by: User) -> int:
    """To how many it goes: to ``by``, if there is an address and a mail server, and to the webhook."""
    check_permission(by, Permission.SYSTEM_MANAGE)
    subject = Subject("user", str(by.pk), str(by))
    sentence = _("This is only a test, asked for by %(name)s. Nothing is the matter.") % {"name": by}
    condition = alerts.worsened(Kind.TEST, subject, sentence, only=[by.email] if by.email else [], again=True)
    alerts.forget(subject)
    record("test_sent", by, by=by)
    return condition.notifications.count() if condition else 0
