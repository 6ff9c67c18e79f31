"""Require sign-in for all pages, except where a view says otherwise."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode

from config.platform.accounts.models import User
from config.platform.web.formats import Formats, written_in


class ReadAsChosen:
    """Answer in the language, the time zone and the formats that the user has chosen."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        zone = ZoneInfo(user.time_zone) if user.time_zone else None
        formats = Formats(user.date_format, user.time_format, user.number_format)
        language = user.language or translation.get_language()
        request.LANGUAGE_CODE = language
        with translation.override(language), timezone.override(zone), written_in(formats):
            return self.get_response(request)


class SignInRequired(LoginRequiredMiddleware):
    """Require sign-in, except for views marked ``login_not_required``. A fragment that is requested after the
    session has ended leads the whole page to the sign-in page, and from there back."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = urlencode({"next": f"{page.path}?{page.query}" if page.query else page.path or "/"})
        return HttpResponse(status=401, headers={"HX-Redirect": f"{reverse('accounts:sign_in')}?{back}"})
