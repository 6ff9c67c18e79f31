"""To single sign-on, and back."""

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from requests import RequestException

from config.platform.accounts import reauthentication, single_sign_on


@login_not_required
@require_safe
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Go and sign in there."""
    return _leave(request, AuthProcess.LOGIN)


@require_safe
def confirm(request: HttpRequest) -> HttpResponseBase:
    """Go and sign in there once more, to confirm that it is still you; then back to ``?next=``."""
    reauthentication.begin(request)
    return _leave(request, AuthProcess.REDIRECT, prompt="login", max_age="0")


@login_not_required
def back_to_the_door(request: HttpRequest, **_kwargs: object) -> HttpResponse:
    """For addresses of allauth that have no page here."""
    return redirect(settings.LOGIN_URL)


def _leave(request: HttpRequest, process: str, **parameters: str) -> HttpResponseBase:
    if not single_sign_on.is_configured():
        raise Http404
    provider: Any = get_adapter(request).get_provider(request, single_sign_on.PROVIDER)
    try:
        answer: HttpResponseBase = provider.redirect(
            request, process, next_url=_back(request), auth_params={**provider.get_auth_params(), **parameters}
        )
    except (RequestException, KeyError, ValueError):
        messages.error(request, _("The single sign-on service cannot be reached. Try again in a moment."))
        return redirect(settings.LOGIN_URL)
    return answer


def _back(request: HttpRequest) -> str:
    """``?next=`` when it is a place of ours, else home."""
    place = request.GET.get("next", "")
    fine = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    return place if fine else "/"
