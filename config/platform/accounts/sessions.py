"""Limit how long sessions last, list those of a user, and end them.

A session ends when nothing was asked in it for SESSION_IDLE_MINUTES, and SESSION_DAYS after the sign-in at the
latest. All sessions of a user end when ``User.session_version`` grows: it is part of what each session proves.
allauth.usersessions keeps the rows and ends single sessions; it knows neither of these limits, and ending its
rows one by one would miss a session that starts meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import F
from django.http import HttpRequest, HttpResponse

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.web.middleware import Middleware

# In the order of looking: most browsers also claim to be others.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST_NAME = 60


def browser_name(user_agent: str) -> str:
    """Name browser and system, such as “Firefox, Windows”; where neither is known, the beginning of the agent."""
    names = [next((name for sign, name in known if sign in user_agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, names)) or user_agent[:_LONGEST_NAME]


_STARTED, _SEEN = "signed_in_at", "seen_at"
_NOTED_EVERY = timedelta(minutes=1)  # so that not every request writes


class EndOldSessions(Middleware):
    """Sign out requests whose session has ended, before a view sees them."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if has_ended(request):
                logout(request)
            elif not _is_automatic_refresh(request):
                _note_activity(request)
        return self.get_response(request)


def has_ended(request: HttpRequest) -> bool:
    """Return whether the session of ``request`` has been idle, or has lasted, for too long."""
    now = clock.now()
    started = _moment(request.session.get(_STARTED), now)
    seen = _moment(request.session.get(_SEEN), now)
    idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    return now - seen > idle or now - started > retention.SESSIONS.kept_for


def end_sessions(user: User) -> None:
    """End all sessions of ``user``, everywhere; they do not come back when a deactivated account is activated."""
    User.objects.filter(pk=user.pk).update(session_version=F("session_version") + 1)
    user.refresh_from_db(fields=["session_version"])
    UserSession.objects.filter(user=user).delete()


def end_other_sessions(request: HttpRequest, user: User) -> None:
    """End all sessions of ``user`` but the one of ``request``."""
    end_sessions(user)
    update_session_auth_hash(request, user)
    UserSession.objects.create_from_request(request)


@dataclass(frozen=True)
class OwnSession:
    """A session as its owner sees it."""

    pk: int
    browser: str
    address: str
    started_at: datetime
    seen_at: datetime
    is_current: bool


def sessions_of(request: HttpRequest, user: User) -> list[OwnSession]:
    """List the sessions of ``user`` that have not ended, the current one first, then the latest."""
    idle_since = clock.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    found = [
        OwnSession(
            pk=session.pk,
            browser=browser_name(session.user_agent),
            address=session.ip,
            started_at=session.created_at,
            seen_at=session.last_seen_at,
            is_current=session.session_key == request.session.session_key,
        )
        for session in UserSession.objects.purge_and_list(user)
        if session.last_seen_at > idle_since or session.session_key == request.session.session_key
    ]
    return sorted(found, key=lambda each: (not each.is_current, -each.seen_at.timestamp()))


def end_session(user: User, session_id: int) -> bool:
    """End one session of ``user``; False when there is none by that id."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    session.end()
    return True


def clear_ended() -> None:
    """Delete the rows of sessions that have expired."""
    SessionStore.clear_expired()
    UserSession.objects.filter(created_at__lt=retention.SESSIONS.cutoff()).delete()


def listen() -> None:
    """Note in each session when it began; called once, when the application starts."""
    user_logged_in.connect(_note_start, dispatch_uid="session_start")


def _note_start(*, request: HttpRequest, **_: Any) -> None:
    request.session[_STARTED] = request.session[_SEEN] = clock.now().timestamp()


def _note_activity(request: HttpRequest) -> None:
    now = clock.now()
    if _STARTED not in request.session:  # from before sessions ended
        request.session[_STARTED] = now.timestamp()
    if _SEEN not in request.session or now - _moment(request.session[_SEEN], now) >= _NOTED_EVERY:
        request.session[_SEEN] = now.timestamp()
        UserSession.objects.create_from_request(request)


def _is_automatic_refresh(request: HttpRequest) -> bool:
    """Return whether an open page asks for news without a click, which must not keep a session from being idle."""
    return request.headers.get("HX-Request") == "true" and request.path.endswith("/live/")


def _moment(stamp: Any, otherwise: datetime) -> datetime:
    return datetime.fromtimestamp(stamp, tz=otherwise.tzinfo) if stamp else otherwise
