from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"

    def ready(self) -> None:
        from config.platform.accounts import ownership
        from connections import export_users

        ownership.register(export_users.depending_on)
