"""Every address, app by app."""

from django.urls import include, path

from config.system import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", include("config.system.urls")),
    path("", include("config.accounts.urls")),
    path("", include("config.accounts.allauth_urls")),
    path("", include("config.audit.urls")),
    path("", include("connections.urls")),
    path("", include("segments.urls")),
    path("", include("exports.urls")),
]
