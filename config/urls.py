"""Every address, app by app."""

from django.urls import include, path

urlpatterns = [
    path("", include("config.system.urls")),
    path("accounts/", include("config.accounts.urls")),
    path("", include("connections.urls")),
    path("", include("segments.urls")),
    path("", include("exports.urls")),
]
