"""Everybody signs in first, except where a view says otherwise."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode


class SignInRequired(LoginRequiredMiddleware):
    """Django's own middleware; views that strangers may see carry ``login_not_required``. A fragment that is asked
    for after the session has ended leads the whole page to the sign-in, and from there back to where it was."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = urlencode({"next": f"{page.path}?{page.query}" if page.query else page.path or "/"})
        return HttpResponse(status=401, headers={"HX-Redirect": f"{reverse('accounts:sign_in')}?{back}"})
