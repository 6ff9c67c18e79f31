from django.urls import path

from config.console.views import general, help, notifications, pages, progress, schedule, status

app_name = "system"

urlpatterns = [
    path("", pages.home, name="home"),
    path("admin/system/", status.status, name="status"),
    path("admin/system/live/", status.live, name="status_live"),
    path("admin/system/health/", status.health, name="health"),
    path("admin/system/refresh/", schedule.refresh_all, name="refresh_all"),
    path("admin/system/schedule/", schedule.schedule, name="schedule"),
    path("admin/system/api-usage/", pages.api_usage, name="api_usage"),
    path("admin/system/tasks/<slug:key>/", status.group, name="tasks"),
    path("admin/system/tasks/<slug:key>/<int:pk>/", status.last_runs, name="last_runs"),
    path("admin/system/progress/<slug:key>/<int:pk>/", progress.progress, name="progress"),
    path("admin/system/progress/<slug:key>/<int:pk>/live/", progress.live, name="progress_live"),
    path("admin/system/progress/<slug:key>/<int:pk>/cancel/", progress.cancel, name="cancel"),
    path("admin/system/notifications/", notifications.notifications, name="notifications"),
    path("admin/system/notifications/test/", notifications.send_test, name="send_test"),
    path("admin/system/notifications/mine/", notifications.what_i_hear, name="what_i_hear"),
    path("admin/system/general/", general.general, name="general"),
    path("admin/system/general/preview/", general.general_preview, name="general_preview"),
    path("admin/system/general/names/", general.names, name="names"),
    path("admin/system/about/", pages.about, name="about"),
    path("help/<slug:page>/", help.help_page, name="help"),
]
