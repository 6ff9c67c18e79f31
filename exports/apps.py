from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        """Tell the pages of segments and connections who uses them."""
        from connections import offered_attributes
        from connections import usage as uses_of_connections
        from exports.hooks import segment_membership, subject_access, usage
        from exports.privacy import hash_key
        from segments import usage as uses_of_segments
        from segments.privacy import hashes, personal_data

        uses_of_connections.register(usage.of_connection, usage.counts_of_connections)
        offered_attributes.register(usage.attributes_for_limits)
        personal_data.register(subject_access.ExportsPersonalData())
        hashes.use_key(hash_key.key)
        uses_of_segments.register(usage.of_segment, usage.counts_of_segments)
        uses_of_segments.register_holder(segment_membership.Exports())
