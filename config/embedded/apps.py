from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "config.embedded"
    label = "embedded"
