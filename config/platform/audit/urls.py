from django.urls import path

from config.platform.audit import views

app_name = "audit"

urlpatterns = [
    path("admin/audit/", views.audit, name="list"),
    path("admin/audit/download/", views.download, name="download"),
]
