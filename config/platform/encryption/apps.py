from django.apps import AppConfig


class KeyringConfig(AppConfig):
    name = "config.platform.encryption"

    def ready(self) -> None:
        from config.platform.encryption import rotation  # noqa: F401 - importing it registers them
