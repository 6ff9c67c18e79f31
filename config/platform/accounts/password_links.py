"""Request and mail links to choose a password: for forgotten passwords and for invitations. A link works once, and
for settings.PASSWORD_RESET_TIMEOUT seconds.

Each request is a row that a worker takes, so that no page waits for a mail server, and a forgotten password is
answered equally fast for known and unknown addresses: allauth's reset mails within the request, which tells
them apart by time. The row holds no token: the link is made when it is mailed. A mail that was not taken is
sent again for fifteen minutes.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from config.platform import retention
from config.platform.accounts.models import ResetRequest, User
from config.platform.accounts.sign_ins import may_sign_in
from config.platform.audit.record import current_origin, from_origin, record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.notifications import mail


def base_url_of(request: HttpRequest) -> str:
    """Return the address that links begin with: PUBLIC_URL where it is set, otherwise as the request came, whose
    Host header its sender may choose among ALLOWED_HOSTS."""
    return settings.PUBLIC_URL if settings.PUBLIC_URL_IS_GIVEN else request.build_absolute_uri("/")


def password_link(base: str, user: User) -> str:
    """Return the address where ``user`` chooses a password. It stops working when it was used, when the person
    signs in, and after settings.PASSWORD_RESET_TIMEOUT."""
    url_arguments = {
        "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": default_token_generator.make_token(user),
    }
    return f"{base.rstrip('/')}{reverse('accounts:choose_password', kwargs=url_arguments)}"


_RETRY = timedelta(minutes=1)


def request_link(email: str, base: str, *, invited: User | None = None, by: User | None = None) -> None:
    """Add a request for links to ``base``, and start the task after the commit: for all accounts with ``email``,
    or for the new account ``invited`` alone, which ``by`` invites."""
    ResetRequest.objects.create(
        email=email,
        base_url=base,
        language=translation.get_language() or "",
        from_address=current_origin(),
        invited=invited,
        invited_by=by,
    )
    enqueue_on_commit("config.platform.accounts.tasks.send_reset_links")


def mail_due() -> None:
    """Mail the links of all requests that wait; each request is taken by one worker only."""
    while _send_one():
        pass


def is_due() -> bool:
    """Return whether a request waits to be mailed."""
    return ResetRequest.objects.filter(due_at__lte=clock.now()).exists()


def _send_one() -> bool:
    """Take one request and mail its links; False when none waits. It is due again later, unless all were sent."""
    request = _take()
    if request is None:
        return False
    with from_origin(request.from_address):
        if request.invited is not None:
            is_sent = _mail_invitation(request, request.invited)
        else:
            users = User.objects.filter(email__iexact=request.email, is_service=False)
            sent = [_mail_reset(request, user) for user in users]
            is_sent = all(sent)
        is_given_up = not is_sent and request.asked_at < retention.RESET_REQUESTS.cutoff()
        if is_given_up and request.invited is not None:
            record("invitation not mailed", request.invited, by=None)
    if is_sent or is_given_up:
        request.delete()
    return True


@transaction.atomic
def _take() -> ResetRequest | None:
    waiting = ResetRequest.objects.select_for_update(skip_locked=True).filter(due_at__lte=clock.now())
    request = waiting.order_by("pk").first()
    if request is not None:
        request.due_at = clock.now() + _RETRY
        request.save(update_fields=["due_at"])
    return request


def _mail_invitation(request: ResetRequest, user: User) -> bool:
    """Mail an invitation, unless the account is in use by now; False when the mail server did not take it."""
    if not user.is_invited:
        return True
    return _mail_link("invitation", request, user)


def _mail_reset(request: ResetRequest, user: User) -> bool:
    """Mail a link for a forgotten password; False when the mail server did not take it."""
    if not may_sign_in(user) or not user.has_usable_password():
        return True
    sent = _mail_link("password_reset", request, user)
    if sent:
        record("reset link sent", user, by=None)
    return sent


def _mail_link(template: str, request: ResetRequest, user: User) -> bool:
    """Mail a link in the language of the user."""
    with translation.override(user.language or request.language or settings.LANGUAGE_CODE):
        subject = _("Your account") if template == "invitation" else _("Choose a new password")
        link = password_link(request.base_url, user)
        context = {"person": user, "username": user.username, "by": request.invited_by, "link": link}
        return mail.send(template, to=user.email, subject=subject, context=context)
