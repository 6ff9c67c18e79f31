from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "config.platform.audit"
    label = "audit"
