from django.urls import path

from connections.views import authorized, consent, discover, listing, pane, pausing, removal

app_name = "connections"

urlpatterns = [
    path("admin/connections/", listing.connection_list, name="list"),
    path("admin/connections/discover/", discover.discover, name="discover"),
    path("admin/connections/add/<slug:destination_key>/", pane.add, name="add"),
    path("admin/connections/add/<slug:destination_key>/consent/", consent.words, name="consent"),
    path("admin/connections/authorized/", authorized.authorized, name="authorized"),
    path("admin/connections/<int:pk>/", pane.edit, name="edit"),
    path("admin/connections/<int:pk>/pause/", pausing.pause, name="pause"),
    path("admin/connections/<int:pk>/resume/", pausing.resume, name="resume"),
    path("admin/connections/<int:pk>/remove/", removal.remove, name="remove"),
]
