from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "config.platform.notifications"
    label = "notifications"
