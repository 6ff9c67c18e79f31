"""Map every address, app by app."""

from django.urls import include, path

from config.console import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", include("config.console.urls")),
    path("", include("config.platform.accounts.urls")),
    path("", include("config.platform.accounts.allauth_urls")),
    path("", include("config.platform.audit.urls")),
    path("", include("connections.urls")),
    path("", include("segments.urls")),
    path("", include("exports.urls")),
]
