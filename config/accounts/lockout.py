"""Whoever guesses passwords is stopped: after too many failed attempts for one user name, or from one network
address, sign-in is locked for a while. Names are kept as keyed hashes only: people mistype passwords there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.accounts.models import SignInAttempt, User
from config.audit.record import record
from config.jobs import clock

MOST_PER_NAME = 5
MOST_PER_ADDRESS = 30  # people behind one router share it
WINDOW = timedelta(minutes=15)


class Locked(Exception):
    """Too many attempts failed. The sentence is for people."""

    def __init__(self) -> None:
        minutes = int(WINDOW.total_seconds() // 60)
        form = ngettext(
            "Too many attempts failed. Sign-in is locked; try again in %(minutes)s minute.",
            "Too many attempts failed. Sign-in is locked; try again in %(minutes)s minutes.",
            minutes,
        )
        super().__init__(form % {"minutes": minutes})
        self.sentence = str(self)


@dataclass
class SignIn:
    """Attempts to sign in with a name that nobody has, or from one address; to be spoken of in the record."""

    name: str
    pk: int = 0

    def __str__(self) -> str:
        return self.name


class Attempt:
    """One attempt. It counts as failed until ``succeeded`` is called, so that many at once gain nothing."""

    def __init__(self, username: str, address: str) -> None:
        self.username, self.address = username, address
        self.kept = SignInAttempt.objects.create(name_hash=_hash(username), address=address)

    def succeeded(self) -> None:
        """Forget what failed for this name, this attempt included; the address keeps its count."""
        self.kept.delete()
        forget(self.username)


@contextmanager
def attempt(username: str, address: str) -> Iterator[Attempt]:
    """Count an attempt before it is tried. Raises Locked when there were too many within WINDOW; reaching that
    point is recorded once."""
    SignInAttempt.objects.filter(at__lt=clock.now() - WINDOW).delete()
    by_name = SignInAttempt.objects.filter(name_hash=_hash(username)).count()
    by_address = SignInAttempt.objects.filter(address=address).exclude(address="").count()
    if by_name >= MOST_PER_NAME or by_address >= MOST_PER_ADDRESS:
        raise Locked
    one = Attempt(username, address)
    try:
        yield one
    finally:
        if one.kept.pk is not None:  # it failed
            _record_locks(one, by_name + 1, by_address + 1)


def forget(username: str) -> None:
    """Let somebody try again at once: after a success, or when the password was set anew."""
    SignInAttempt.objects.filter(name_hash=_hash(username)).delete()


def _record_locks(one: Attempt, by_name: int, by_address: int) -> None:
    if by_name == MOST_PER_NAME:
        user = User.objects.filter(username__iexact=one.username).first()
        target = user or SignIn(_("an unknown name"))
        record("locked", target, by=None, changes={"failed": (None, by_name)})
    if by_address == MOST_PER_ADDRESS:
        record("locked", SignIn(one.address), by=None, changes={"failed": (None, by_address)})


def _hash(username: str) -> str:
    return salted_hmac("config.accounts.lockout", username.strip().lower()).hexdigest()
