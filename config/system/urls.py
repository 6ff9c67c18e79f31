from django.urls import path

from config.system.views import home, manual, status

app_name = "system"

urlpatterns = [
    path("", home.home, name="home"),
    path("admin/system/", status.status, name="status"),
    path("help/<slug:page>/", manual.help_page, name="help"),
]
