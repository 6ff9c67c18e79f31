"""`manage.py create_administrator`: create the first administrator's account."""

import getpass
import os
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from config.platform.accounts import actions
from config.platform.accounts.forms import USERNAME
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role

PASSWORD_VARIABLE = "ADMINISTRATOR_PASSWORD"  # noqa: S105 — the name of a variable


class Command(BaseCommand):
    help = (
        "Makes an administrator's account. Asks for what is not given; without a terminal the password comes from "
        f"the variable {PASSWORD_VARIABLE} or from the first line of standard input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", help="what the person signs in with")
        parser.add_argument("--name", default="", help="the person's name, as others see it")
        parser.add_argument("--email", default="", help="the person's address")

    def handle(self, *args: Any, **options: Any) -> None:
        asks = sys.stdin.isatty() and not options["username"]
        username = _username(options["username"] or (input("User name: ") if asks else ""))
        name = options["name"] or (input("Name (as others see it): ") if asks else "")
        email = _email(options["email"] or (input("Email: ") if asks else ""))
        password = _password(User(username=username, full_name=name, email=email))
        actions.add_user(
            username=username, full_name=name, email=email, role=Role.ADMINISTRATOR, password=password, by=None
        )
        self.stdout.write(f"“{username}” can sign in as administrator now.")


def _username(text: str) -> str:
    text = text.strip()
    if not text:
        raise CommandError("Give a user name: --username NAME.")
    try:
        USERNAME(text)
    except ValidationError as error:
        raise CommandError(f"The user name “{text}” cannot be used. {error.messages[0]}") from error
    if User.objects.find(text):
        raise CommandError(f"There is already an account “{text}”. Choose another user name.")
    return text


def _email(text: str) -> str:
    text = text.strip()
    if text:
        try:
            validate_email(text)
        except ValidationError as error:
            raise CommandError(f"“{text}” is not an email address.") from error
    return text


def _password(user: User) -> str:
    password = os.environ.get(PASSWORD_VARIABLE) or (_asked() if sys.stdin.isatty() else _piped())
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError("The password cannot be used. " + " ".join(error.messages)) from error
    return password


def _asked() -> str:
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("The same password again: "):
        raise CommandError("The two passwords are not the same. Nothing was made.")
    return password


def _piped() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError(f"Give a password: in the variable {PASSWORD_VARIABLE}, or on standard input.")
    return password
