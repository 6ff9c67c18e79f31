"""Store the messages that the next page shows: in a cookie whose name has the prefix of our other cookies, or in
the session where they are too long for it. Django's own cookie is always called “messages”."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class PrefixedCookieStorage(CookieStorage):
    """Stores messages in the cookie MESSAGE_COOKIE_NAME."""

    cookie_name = settings.MESSAGE_COOKIE_NAME


class MessageStorage(FallbackStorage):
    """Stores messages in the cookie, and those that do not fit in the session."""

    storage_classes = (PrefixedCookieStorage, SessionStorage)
