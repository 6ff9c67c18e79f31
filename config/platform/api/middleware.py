"""Keep requests of the REST API apart from those of browsers, and complete its answers."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.platform.accounts.api_tokens import RateLimit
from config.platform.api.problems import problem
from config.platform.web.middleware import API_PREFIX, Middleware


class ApiRequests(Middleware):
    """Drop the cookies of requests of the API, so that no session and no chosen language counts: another site
    cannot use a browser's sign-in. Adds the rate limit, and answers every error as a problem.

    A request without TLS is refused where TLS is expected, and not redirected as pages are: its token was sent in
    the clear, and a program that is redirected would not notice."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        request.META["HTTP_ACCEPT_LANGUAGE"] = "en"
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return problem(HTTPStatus.FORBIDDEN, "Use https. Replace the token that was sent without it.")
        response = self.get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST and _is_page(response):
            allowed = response.headers.get("Allow")
            response = problem(response.status_code, "The request failed.")
            if allowed:
                response["Allow"] = allowed
        rate: RateLimit | None = getattr(request, "rate_limit", None)
        if rate is not None:
            response["RateLimit-Limit"] = str(rate.limit)
            response["RateLimit-Remaining"] = str(max(0, rate.remaining))
            response["RateLimit-Reset"] = str(rate.reset_seconds)
            if rate.is_exceeded:
                response["Retry-After"] = str(rate.reset_seconds)
        response["Cache-Control"] = "no-store"
        return response


def _is_page(response: HttpResponse) -> bool:
    return not response.headers.get("Content-Type", "").startswith("application/")
