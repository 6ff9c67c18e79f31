from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "config.platform.web"
    label = "web"
