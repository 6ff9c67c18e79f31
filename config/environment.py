"""Read settings from the environment, typed; and the version from the newest heading of the changelog.

A value that cannot be used stops the start with a sentence that says what to do. Any variable may also be given
as ``NAME_FILE``: the path of a file that holds it, as container secrets do.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

_env = environ.Env()


def text(name: str, default: str | None = None) -> str:
    """Read the setting ``name`` as text. Raises ImproperlyConfigured when it is required and absent."""
    from_file = _text_from_file(name)
    if from_file is not None:
        return from_file
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE). See the table of settings in README.md.")
    return default


def file_of(name: str, default: Path | None = None) -> Path | None:
    """Return the file that ``name`` is read from; ``default`` when it is not given at all, None when it is given
    in the environment itself."""
    if path := os.environ.get(f"{name}_FILE", ""):
        return Path(path)
    return None if os.environ.get(name) else default


def flag(name: str, default: bool) -> bool:
    """Read a setting as yes or no. Raises ImproperlyConfigured for other spellings."""
    value = text(name, "yes" if default else "no").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not “{value}”.")


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Read a setting as a whole number between ``least`` and ``most``, both included."""
    value = text(name, str(default)).strip()
    try:
        parsed = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not “{value}”.") from error
    if not least <= parsed <= most:
        raise ImproperlyConfigured(f"{name} must be a number from {least} to {most}, not {parsed}.")
    return parsed


def comma_separated(name: str, default: str = "") -> list[str]:
    """Read a setting as a list of words separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str, default: str) -> list[IPv4Network | IPv6Network]:
    """Read a setting as a list of network addresses and networks (CIDR), separated by commas."""
    try:
        return [ip_network(word, strict=False) for word in comma_separated(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list addresses or networks such as 10.0.0.0/8.") from error


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Read a setting as one of ``allowed``, regardless of case."""
    value = text(name, default).strip().upper()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not “{value}”.")
    return value


def web_address(name: str, default: str) -> str:
    """Read a setting as an http:// or https:// address that names a host."""
    value = text(name, default).strip()
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ImproperlyConfigured(f"{name} must be an address such as https://example.com/notify.")
    return value


def bucket(name: str) -> dict[str, str]:
    """Read the settings ``name``_KEY_ID, _SECRET, _REGION, _ENDPOINT and _URL_STYLE as parameters of a DuckDB
    secret of the type s3. An endpoint is an address such as http://storage.example.com:9000; https without a
    scheme. Buckets of an endpoint are named in the path, those of AWS in the host name, unless _URL_STYLE is
    set."""
    found = {each: text(f"{name}_{each}", "") for each in ("KEY_ID", "SECRET", "REGION")}
    endpoint = text(f"{name}_ENDPOINT", "").strip()
    parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    if endpoint:
        if (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or parts.path not in {"", "/"}
            or parts.username
        ):
            raise ImproperlyConfigured(
                f"{name}_ENDPOINT must be an address such as https://storage.example.com:9000."
            )
        found |= {"ENDPOINT": parts.netloc, "USE_SSL": "true" if parts.scheme == "https" else "false"}
    style = choice(f"{name}_URL_STYLE", "PATH" if endpoint else "VHOST", ("PATH", "VHOST"))
    return {each: value for each, value in found.items() if value} | {"URL_STYLE": style.lower()}


def time_zone(name: str, default: str) -> str:
    """Read a setting as the name of a time zone that this machine knows."""
    value = text(name, default).strip()
    try:
        ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ImproperlyConfigured(f"{name} must be a time zone such as Europe/Vienna, not “{value}”.") from error
    return value


def database(url: str) -> dict[str, object]:
    """Return Django's settings for a ``postgres://`` address."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("DATABASE_URL must start with postgres://. Only PostgreSQL is supported.")
    try:
        return dict(_env.db_url_config(url))
    except ValueError:  # which would quote the address, password and all
        raise ImproperlyConfigured(
            "DATABASE_URL must be an address such as postgres://user:password@host/name."
        ) from None


def single_sign_on() -> dict[str, Any]:
    """Return allauth's settings for the OpenID Connect service that OIDC_ISSUER names; empty without one."""
    issuer = text("OIDC_ISSUER", "")
    if not issuer:
        return {}
    if not issuer.startswith(("https://", "http://")):
        raise ImproperlyConfigured("OIDC_ISSUER must be the https:// address of the sign-in service.")
    service = {
        "provider_id": "single-sign-on",
        "name": text("OIDC_NAME", "single sign-on"),
        "client_id": text("OIDC_CLIENT_ID"),
        "secret": text("OIDC_CLIENT_SECRET"),
        "settings": {"server_url": issuer.rstrip("/")},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [service]}}


def mail(url: str) -> dict[str, Any]:
    """Return Django's settings for an address like ``smtp+tls://user:password@host:587``; none sends nothing."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        return dict(_env.email_url_config(url))
    except (ValueError, KeyError, ImproperlyConfigured):  # which would quote the address, password and all
        raise ImproperlyConfigured(
            "EMAIL_URL must be an address such as smtp+tls://user:password@host:587."
        ) from None


def session_settings(database: dict[str, object], **settings: str) -> dict[str, object]:
    """Return the OPTIONS of ``database`` with server settings for each of its sessions, beside those of its
    address."""
    options: dict[str, object] = dict(database.get("OPTIONS") or {})  # type: ignore[call-overload]
    asked = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return options | {"options": f"{options.get('options', '')} {asked}".strip()}


def _text_from_file(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The file {path} in {name}_FILE cannot be read: {error.strerror}.") from error


_HEADING = re.compile(r"^## (\d+\.\d+\.\d+)", re.MULTILINE)


def version_from_changelog(path: Path) -> str:
    """Return the newest released version, as “1.2.3”; “0.0.0” when the changelog is not shipped along."""
    try:
        heading = _HEADING.search(path.read_text(encoding="utf-8"))
    except OSError:
        return "0.0.0"
    return heading.group(1) if heading else "0.0.0"
