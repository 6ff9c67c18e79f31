from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "config.system"
    label = "system"
