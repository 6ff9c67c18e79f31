from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        """Tell the pages of segments and connections who uses them."""
        from connections import offered_attributes
        from connections import usage as uses_of_connections
        from exports.hooks import segment_users, subject_access, usage
        from exports.privacy import hash_key
        from segments import hooks as segment_hooks
        from segments.privacy import hashes

        uses_of_connections.register(usage.of_connection, usage.counts_of_connections)
        offered_attributes.register(usage.attributes_for_limits)
        segment_hooks.segment_users = segment_users.ExportsUsingSegments()
        segment_hooks.personal_data = subject_access.ExportsPersonalData()
        hashes.read_key = hash_key.key
