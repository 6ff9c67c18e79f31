from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "config.standalone"
    label = "embedded"

    def ready(self) -> None:
        from config import checks  # noqa: F401  # registers them
