"""`manage.py create_administrator`: create the first administrator's account."""

import getpass
import os
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from config.platform.accounts import actions
from config.platform.accounts.forms import USERNAME
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role

PASSWORD_VARIABLE = "ADMINISTRATOR_PASSWORD"  # noqa: S105 — the name of a variable


class Command(BaseCommand):
    help = _(
        "Create an administrator account. Prompts for missing values. Without a terminal, the password is read"
        " from the variable %(variable)s or from the first line of standard input."
    ) % {"variable": PASSWORD_VARIABLE}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", help=_("the username to sign in with"))
        parser.add_argument("--name", default="", help=_("the name that other users see"))
        parser.add_argument("--email", default="", help=_("the email address"))

    def handle(self, *args: Any, **options: Any) -> None:
        asks = sys.stdin.isatty() and not options["username"]
        username = _username(options["username"] or (input(_("Username:") + " ") if asks else ""))
        name = options["name"] or (input(_("Name:") + " ") if asks else "")
        email = _email(options["email"] or (input(_("Email:") + " ") if asks else ""))
        password = _password(User(username=username, full_name=name, email=email))
        actions.add_user(
            username=username, full_name=name, email=email, role=Role.ADMINISTRATOR, password=password, by=None
        )
        self.stdout.write(_("“%(name)s” can now sign in as an administrator.") % {"name": username})


def _username(text: str) -> str:
    text = text.strip()
    if not text:
        raise CommandError(_("Enter a username: --username NAME."))
    try:
        USERNAME(text)
    except ValidationError as error:
        reason = {"name": text, "reason": error.messages[0]}
        raise CommandError(_("The username “%(name)s” cannot be used. %(reason)s") % reason) from error
    if User.objects.find(text):
        raise CommandError(_("The username “%(name)s” already exists. Choose another one.") % {"name": text})
    return text


def _email(text: str) -> str:
    text = text.strip()
    if text:
        try:
            validate_email(text)
        except ValidationError as error:
            raise CommandError(_("“%(address)s” is not an email address.") % {"address": text}) from error
    return text


def _password(user: User) -> str:
    password = os.environ.get(PASSWORD_VARIABLE) or (_asked() if sys.stdin.isatty() else _piped())
    try:
        validate_password(password, user)
    except ValidationError as error:
        reasons = {"reasons": " ".join(error.messages)}
        raise CommandError(_("The password cannot be used. %(reasons)s") % reasons) from error
    return password


def _asked() -> str:
    password = getpass.getpass(_("Password:") + " ")
    if password != getpass.getpass(_("Repeat password:") + " "):
        raise CommandError(_("The passwords do not match. No account was created."))
    return password


def _piped() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        sentence = _("Enter a password in the variable %(variable)s or on standard input.")
        raise CommandError(sentence % {"variable": PASSWORD_VARIABLE})
    return password
