from django.urls import path

from segments.views import (
    builder,
    customers,
    data_sources,
    erasures,
    imports,
    person,
    scheduling,
    segment_list,
    segment_page,
    source_removal,
    upload,
)

app_name = "segments"

urlpatterns = [
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/", customers.customer, name="customer"),
    path("customers/<int:pk>/download/", person.download, name="download"),
    path("customers/<int:pk>/erase/", person.erase, name="erase"),
    path("customers/erased/", erasures.erasures, name="erasures"),
    path("customers/erased/<int:pk>/", erasures.erasure, name="erasure"),
    path("customers/erased/<int:pk>/live/", erasures.live, name="erasure_live"),
    path("data/sources/", data_sources.data_sources, name="data_sources"),
    path("data/sources/upload/", upload.upload, name="upload"),
    path("data/sources/refresh/", data_sources.refresh, name="refresh_sources"),
    path("data/sources/<int:pk>/remove/", source_removal.remove, name="remove_source"),
    path("data/imports/<int:pk>/", imports.import_page, name="import"),
    path("data/imports/<int:pk>/live/", imports.live, name="import_live"),
    path("data/imports/<int:pk>/cancel/", imports.cancel, name="cancel_import"),
    path("segments/", segment_list.segments, name="list"),
    path("segments/statuses/", segment_list.statuses, name="statuses"),
    path("segments/refresh/", segment_list.refresh, name="refresh"),
    path("segments/schedule/", scheduling.schedule, name="schedule"),
    path("segments/add/", builder.add, name="add"),
    path("segments/<int:pk>/", segment_page.detail, name="detail"),
    path("segments/<int:pk>/live/", segment_page.live, name="live"),
    path("segments/<int:pk>/edit/", builder.edit, name="edit"),
    path("segments/<int:pk>/remove/", segment_page.remove, name="remove"),
]
