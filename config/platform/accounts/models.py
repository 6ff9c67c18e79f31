"""Define users, each with one role, their failed sign-ins and their requests for password links."""

import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.permissions import ROLES, Permission, Role
from config.platform.jobs import clock
from config.platform.text.addresses import trim_invisible

_MOST_ROUNDS_OF_FOLDING = 4  # what is folded may compose once more; two rounds settle all that Unicode has so far


def normalize_username(text: str) -> str:
    """Normalize a user name for comparison: trim, NFKC, case-fold.

    Two names are the same account's exactly when their normal forms are equal. Compare by this form in Python or
    in a column that stores it, never by ``iexact``, LOWER or UPPER: PostgreSQL folds some letters differently
    (UPPER makes an ``I`` of a dotless ``ı``).

    Returns an empty string for a name of nothing but spaces. Idempotent; never raises.
    """
    for _round in range(_MOST_ROUNDS_OF_FOLDING):
        folded = unicodedata.normalize("NFKC", trim_invisible(unicodedata.normalize("NFKC", text)).casefold())
        if folded == text:
            break
        text = folded
    return text


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, username: str, password: str, *, role: str, email: str = "", is_demo: bool = False
    ) -> "User":
        """Create an account with a usable password. Takes the password in the clear and stores its hash."""
        user = self.model(username=username, role=role, email=self.normalize_email(email), is_demo=is_demo)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username_key=normalize_username(username or ""))

    def find(self, username: str) -> "User | None":
        """Return the account that ``username`` names, compared by its normal form; None when there is none."""
        return self.filter(username_key=normalize_username(username)).first()


class User(AbstractBaseUser):
    username = models.CharField(_("username"), max_length=150, unique=True)
    # The normal form of the user name, by which accounts are found; see normalize_username.
    username_key = models.CharField(max_length=600, unique=True, editable=False)
    full_name = models.CharField(_("name"), max_length=150, blank=True)
    email = models.EmailField(_("email"), blank=True)
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField(_("active"), default=True)
    # Demo accounts have public passwords: they sign in only where DEMO is on.
    is_demo = models.BooleanField(default=False)
    # An account of a program: it has API tokens, and no user can sign in to it.
    is_service = models.BooleanField(default=False, db_default=False)
    # How this person reads. Empty: the browser's language, the environment's zone, the language's own formats.
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    date_format = models.CharField(_("dates"), max_length=20, blank=True)
    time_format = models.CharField(_("times"), max_length=20, blank=True)
    number_format = models.CharField(_("numbers"), max_length=20, blank=True)
    # The guide to the first run is not shown on Home any longer.
    guide_hidden = models.BooleanField(default=False, db_default=False)
    # Whether notifications are mailed to this person; None: as the role has it, which is to administrators.
    hears_of_troubles = models.BooleanField(null=True)
    # Kinds that this person does not want to be told of; a kind that is new is told.
    unheard_kinds = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    date_joined = models.DateTimeField(default=clock.now)
    version = models.IntegerField(default=1)
    # Grows when all sessions of this person end; see sessions.py.
    session_version = models.IntegerField(default=0)

    # What a request by API token may do at most, and the name of the token; None and empty for all others.
    token_permissions: frozenset[Permission] | None = None
    token_name = ""

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the normal form of the user name beside it."""
        if self._state.adding or kwargs.get("update_fields") is None:
            self.username_key = normalize_username(self.username)
        super().save(*args, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return the hash that each session of this user must carry: of the password and the session version."""
        proof = f"{self.password}#{self.session_version}" if self.session_version else self.password
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        return salted_hmac(salt, proof, secret=secret, algorithm="sha256").hexdigest()

    def may(self, permission: Permission) -> bool:
        """Return whether this person's role carries ``permission``, and the API token of the request allows it;
        never for a deactivated account."""
        if self.token_permissions is not None and permission not in self.token_permissions:
            return False
        return self.role_allows(permission)

    def role_allows(self, permission: Permission) -> bool:
        """Return whether this person's role carries ``permission``, whatever an API token allows."""
        return self.is_active and permission in ROLES[self.role].permissions

    @property
    def is_administrator(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def is_invited(self) -> bool:
        """Return whether this person still has to choose the first password."""
        has_no_password = self.last_login is None and not self.has_usable_password()
        return self.is_active and not self.is_service and has_no_password

    @property
    def initials(self) -> str:
        """Return one or two letters for the round badge in the top bar."""
        parts = str(self).split()
        return "".join(part[0] for part in parts[:2]).upper()


class SignInAttempt(models.Model):
    """An attempt to sign in that failed, or is being made; kept for as long as it counts. See lockout.py."""

    name_hash = models.CharField(max_length=64, db_index=True)
    address = models.CharField(max_length=49, blank=True, db_index=True)
    # The known device that it was made on, if any; see lockout.py.
    device = models.CharField(max_length=64, blank=True, default="", db_index=True)
    at = models.DateTimeField(default=clock.now, db_index=True)


class ResetRequest(models.Model):
    """A request for a link to choose a password, for all accounts with an address or for a new account; deleted
    once it is mailed. See password_links.py."""

    email = models.EmailField()
    base_url = models.CharField(max_length=300)
    language = models.CharField(max_length=10, blank=True)
    from_address = models.CharField(max_length=45, blank=True)
    asked_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now, db_index=True)
    # The new account that is invited, and who invites; empty for a forgotten password.
    invited = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")


class ApiToken(models.Model):
    """A token by which a program uses the REST API as its user. Only a hash of it is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    # The beginning of the token, by which users recognize it.
    prefix = models.CharField(max_length=16)
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20))
    created_at = models.DateTimeField(default=clock.now)
    created_by_name = models.CharField(max_length=150)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # The minute of the last request, and how many there were in it.
    used_in_minute = models.BigIntegerField(default=0, db_default=0)
    used = models.IntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        """Return whether the token is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > clock.now())
