from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"

    def ready(self) -> None:
        from config.platform.accounts import ownership
        from config.platform.notifications import hooks as notification_hooks
        from connections import actions

        ownership.register(actions.export_user_dependents)
        notification_hooks.scopes["connection"] = lambda key: notification_hooks.Scope(connection_ids=[int(key)])
