from django.apps import AppConfig


class KeyringConfig(AppConfig):
    name = "config.keyring"

    def ready(self) -> None:
        from config.keyring import checks  # noqa: F401 - importing it registers them
