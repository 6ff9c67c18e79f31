"""Authenticate requests of the REST API by their token: nothing else counts, no session and no cookie."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from config.platform.accounts import api_tokens
from config.platform.accounts.models import User
from config.platform.api.problems import RateLimited
from config.platform.web.request_logs import label_user


class BearerToken(HttpBearer):
    """Let requests through that carry a usable token, and count them. ``request.user`` becomes the user of the
    token, with no more permissions than its scopes. Raises RateLimited."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        found = api_tokens.authenticate(token)
        if found is None:
            return None
        request.user = found.user
        label_user(found.user)
        request.rate_limit = found.rate  # type: ignore[attr-defined]
        request.api_token = found.token  # type: ignore[attr-defined]
        if found.rate.is_exceeded:
            raise RateLimited
        return found.user
