"""Forgotten passwords and invitations: requests wait in a row each, and a worker mails the links, so that no page
waits for a mail server, and a forgotten password is answered equally fast for known and unknown addresses. The row
holds no token: the link is made when it is mailed."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation

from config.platform.accounts import links
from config.platform.accounts.backends import may_sign_in
from config.platform.accounts.models import ResetRequest, User
from config.platform.audit.record import current_origin, from_origin, record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit

_RETRY = timedelta(minutes=1)
_GIVE_UP = timedelta(minutes=15)


def ask(email: str, base: str) -> None:
    """Add a request for links to ``base`` for all accounts with ``email``, and start the task after the commit."""
    ResetRequest.objects.create(
        email=email,
        base_url=base,
        language=translation.get_language() or "",
        from_address=current_origin(),
    )
    enqueue_on_commit("config.platform.accounts.tasks.send_reset_links")


def invite(user: User, base: str, *, by: User) -> None:
    """Add a request for an invitation of ``user`` with a link to ``base``, and start the task after the commit."""
    ResetRequest.objects.create(
        email=user.email,
        base_url=base,
        language=translation.get_language() or "",
        from_address=current_origin(),
        invited=user,
        invited_by=by,
    )
    enqueue_on_commit("config.platform.accounts.tasks.send_reset_links")


def send_due() -> None:
    """Mail the links of all requests that wait; each request is taken by one worker only."""
    while _send_one():
        pass


def is_due() -> bool:
    """Whether a request waits to be mailed."""
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
            sent = [_mail(request, user) for user in User.objects.filter(email__iexact=request.email)]
            is_sent = all(sent)
        is_given_up = not is_sent and clock.now() - request.asked_at > _GIVE_UP
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
    with translation.override(user.language or request.language or settings.LANGUAGE_CODE):
        return links.mail_invitation(request.base_url, user, by=request.invited_by)


def _mail(request: ResetRequest, user: User) -> bool:
    """Mail a link to ``user``, in their language; False when the mail server did not take it."""
    if not may_sign_in(user) or not user.has_usable_password():
        return True
    with translation.override(user.language or request.language or settings.LANGUAGE_CODE):
        sent = links.mail_reset(request.base_url, user)
    if sent:
        record("reset link sent", user, by=None)
    return sent
