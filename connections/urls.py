from django.urls import path

from connections.views import listing, pane

app_name = "connections"

urlpatterns = [
    path("admin/connections/", listing.connection_list, name="list"),
    path("admin/connections/discover/", listing.discover, name="discover"),
    path("admin/connections/add/<slug:destination_key>/", pane.add, name="add"),
    path("admin/connections/add/<slug:destination_key>/consent/", pane.consent_text_part, name="consent"),
    path("admin/connections/authorized/", pane.authorized, name="authorized"),
    path("admin/connections/<int:pk>/", pane.edit, name="edit"),
    path("admin/connections/<int:pk>/pause/", listing.pause, name="pause"),
    path("admin/connections/<int:pk>/resume/", listing.resume, name="resume"),
    path("admin/connections/<int:pk>/remove/", listing.remove, name="remove"),
]
