from django.urls import path

from segments.views import builder, commands, customers, data_sources, segment_pages, uploads

app_name = "segments"

urlpatterns = [
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/", customers.customer, name="customer"),
    path("customers/<int:pk>/download/", customers.download_personal_data, name="download"),
    path("customers/<int:pk>/erase/", customers.erase, name="erase"),
    path("customers/erased/", customers.erasures, name="erasures"),
    path("customers/erased/<int:pk>/", customers.erasure, name="erasure"),
    path("customers/erased/<int:pk>/live/", customers.erasure_live, name="erasure_live"),
    path("data/sources/", data_sources.data_sources, name="data_sources"),
    path("data/sources/upload/", uploads.upload, name="upload"),
    path("data/sources/refresh/", data_sources.refresh, name="refresh_sources"),
    path("data/sources/<int:pk>/remove/", data_sources.remove, name="remove_source"),
    path("data/imports/<int:pk>/", data_sources.import_page, name="import"),
    path("data/imports/<int:pk>/live/", data_sources.import_live, name="import_live"),
    path("data/imports/<int:pk>/cancel/", data_sources.cancel_import, name="cancel_import"),
    path("data/imports/<int:pk>/rejected/", data_sources.download_rejected, name="rejected_rows"),
    path("segments/", segment_pages.segments, name="list"),
    path("segments/statuses/", segment_pages.statuses, name="statuses"),
    path("segments/refresh/", commands.refresh, name="refresh"),
    path("segments/schedule/", commands.schedule, name="schedule"),
    path("segments/add/", builder.add, name="add"),
    path("segments/values/", builder.suggestions, name="suggestions"),
    path("segments/<int:pk>/", segment_pages.detail, name="detail"),
    path("segments/<int:pk>/live/", segment_pages.live, name="live"),
    path("segments/activate/", commands.activate, name="activate"),
    path("segments/deactivate/", commands.deactivate, name="deactivate"),
    path("segments/make-static/", commands.make_static, name="make_static"),
    path("segments/<int:pk>/exclude/", commands.exclude, name="exclude"),
    path("segments/<int:pk>/stop-excluding/", commands.stop_excluding, name="stop_excluding"),
    path("segments/make-dynamic/", commands.make_dynamic, name="make_dynamic"),
    path("segments/<int:pk>/exports/", commands.manage, name="manage"),
    path("segments/<int:pk>/duplicate/", commands.duplicate, name="duplicate"),
    path("segments/<int:pk>/members/", segment_pages.download, name="members"),
    path("segments/<int:pk>/edit/", builder.edit, name="edit"),
    path("segments/<int:pk>/remove/", commands.remove, name="remove"),
]
