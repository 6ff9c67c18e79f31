"""Operations of the REST API about the token itself."""

from datetime import datetime

from ninja import Router

from config.platform.accounts.models import ApiToken
from config.platform.api.values import Answer
from config.platform.web.htmx import Request

router = Router(tags=["Token"])


class TokenOut(Answer):
    """The token of the request."""

    name: str
    prefix: str
    scopes: list[str]
    expires_at: datetime | None
    user: str
    role: str
    is_service_account: bool


@router.get("/token", response=TokenOut, operation_id="get_token", summary="Show the token of the request")
def get_token(request: Request) -> TokenOut:
    """Return the name, scopes and expiry of the token, and the role of its user."""
    token: ApiToken = request.api_token  # type: ignore[attr-defined]
    user = request.user
    return TokenOut(
        name=token.name,
        prefix=token.prefix,
        scopes=token.scopes,
        expires_at=token.expires_at,
        user=user.username,
        role=user.role,
        is_service_account=user.is_service,
    )
