from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        """Tell the pages of segments and connections who uses them."""
        from connections import offered_attributes
        from connections import used_by as uses_of_connections
        from exports import holding, uses
        from exports.rights import knowing, secret
        from segments import used_by as uses_of_segments
        from segments.rights import hashing, knowers

        uses_of_connections.register(uses.of_connection, uses.counts_of_connections)
        offered_attributes.register(uses.attributes_for_limits)
        knowers.register(knowing.ExportsKnow())
        hashing.use_key(secret.key)
        uses_of_segments.register(uses.of_segment, uses.counts_of_segments)
        uses_of_segments.register_holder(holding.Exports())
