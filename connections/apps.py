from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"

    def ready(self) -> None:
        from config.platform.accounts import ownership
        from connections import actions

        ownership.register(actions.export_user_dependents)
