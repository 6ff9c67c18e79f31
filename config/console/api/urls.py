"""The addresses of the REST API and of its documentation."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, include, path, reverse
from django.views.decorators.http import require_safe

from config.console.api.composition import compose

api = compose()


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show the documentation of the API; its assets are ours."""
    options = {
        "url": reverse("api:openapi-json"),
        "layout": "BaseLayout",
        "deepLinking": True,
        "validatorUrl": None,
        "persistAuthorization": False,
    }
    return render(request, "system/api_docs.html", {"options": options})


def _patterns() -> list[URLPattern]:
    """Return the addresses of the API, which ask for a token themselves."""
    patterns: list[URLPattern] = [each for each in api.urls[0] if isinstance(each, URLPattern)]
    for pattern in patterns:
        pattern.callback = login_not_required(pattern.callback)
    return patterns


urlpatterns = [
    path("api/docs", docs, name="api_docs"),
    path("api/v1/", include((_patterns(), "api"))),
]
