from django.urls import path

from config.system import views

app_name = "system"

urlpatterns = [
    path("", views.home, name="home"),
    path("admin/system/", views.status, name="status"),
    path("help/<slug:page>/", views.help_page, name="help"),
]
