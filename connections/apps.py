from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"

    def ready(self) -> None:
        from config.accounts import dependents
        from connections import export_users

        dependents.register(export_users.depending_on)
