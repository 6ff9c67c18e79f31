"""Use the REST API as a program does: with a token, in process."""

from collections.abc import Collection
from typing import Any

from django.test import Client

from config.platform.accounts import api_tokens
from config.platform.accounts.models import User
from config.platform.accounts.scopes import Scope

EVERY_SCOPE = tuple(Scope.values)


def token_of(user: User, *, scopes: Collection[str] = EVERY_SCOPE, days: int | None = 30) -> str:
    """Create a token of a user. Returns its text."""
    return api_tokens.create_token(user=user, name="Test", scopes=scopes, days=days, by=user)[1]


class ApiClient:
    """Sends requests with a token."""

    def __init__(self, token: str) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        """Return the response to a GET of a path below /api/v1/."""
        return self._client.get(f"/api/v1/{path}", query or {}, headers=headers)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """Return the response to a POST of JSON."""
        return self._client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    def put(self, path: str, body: object) -> Any:
        """Return the response to a PUT of JSON."""
        return self._client.put(f"/api/v1/{path}", body, content_type="application/json")

    def delete(self, path: str) -> Any:
        """Return the response to a DELETE."""
        return self._client.delete(f"/api/v1/{path}")


def client_of(user: User, *, scopes: Collection[str] = EVERY_SCOPE) -> ApiClient:
    """Return a client with a new token of a user."""
    return ApiClient(token_of(user, scopes=scopes))
