from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        """Set the implementations of what the apps below ask of exports."""
        from config.platform.notifications import hooks as notification_hooks
        from connections import hooks as connection_hooks
        from exports.hooks import after_sources, attribute_users, connection_users, segment_users, subject_access
        from exports.privacy import hash_key
        from exports.reporting import alerts, run_events
        from segments import hooks as segment_hooks
        from segments.privacy import subjects

        connection_hooks.connection_users = connection_users.ExportsUsingConnections()
        segment_hooks.segment_users = segment_users.ExportsUsingSegments()
        segment_hooks.attribute_users = attribute_users.ExportsUsingAttributes()
        segment_hooks.source_followers = after_sources.ExportsAfterSources()
        segment_hooks.personal_data = subject_access.ExportsPersonalData()
        subjects.read_hash_key = hash_key.key
        notification_hooks.describers["export"] = alerts.describe_conditions
        notification_hooks.scopes["export"] = run_events.scope_of_export
        notification_hooks.scopes["list"] = run_events.scope_of_list
