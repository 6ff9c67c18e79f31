"""Create the first account in the browser, by a link that ``manage.py up`` prints. The link works while there is
no administrator, and for settings.PASSWORD_RESET_TIMEOUT seconds."""

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts import actions
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role

_SIGNER = TimestampSigner(salt="first account")
_VALUE = "first"
_LOCK = "first account"


def is_needed() -> bool:
    """Return whether there is no administrator yet."""
    return not actions.administrators().exists()


def make_link(base: str) -> str:
    """Return the address where the first account is created."""
    token = _SIGNER.sign(_VALUE).partition(":")[2]
    return f"{base.rstrip('/')}{reverse('accounts:first_account', args=[token])}"


def is_valid(token: str) -> bool:
    """Return whether a link with this token works now."""
    try:
        _SIGNER.unsign(f"{_VALUE}:{token}", max_age=settings.PASSWORD_RESET_TIMEOUT)
    except BadSignature:
        return False
    return is_needed()


@transaction.atomic
def create(*, username: str, full_name: str, email: str, password: str) -> User:
    """Create the first administrator. Raises NotNow when another request was faster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
    if not is_needed():
        raise actions.NotNow(_("There is an administrator already. Nothing was created."))
    return actions.add_user(
        username=username, full_name=full_name, email=email, role=Role.ADMINISTRATOR, password=password, by=None
    )
