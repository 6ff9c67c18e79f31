"""Addresses of our pages, for those who read of them elsewhere."""

from urllib.parse import urljoin

from django.conf import settings


def absolute(path: str) -> str:
    """The whole address of a page; empty where there is none."""
    return urljoin(f"{settings.PUBLIC_URL.rstrip('/')}/", path.lstrip("/")) if path else ""
