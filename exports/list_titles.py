"""Follow the title of a list when it is renamed at the destination."""

from connections.destinations.values import ListDetails
from connections.models import Connection
from exports.models import DeliveredSet, Export

_LONGEST = 200


def follow(connection: Connection, details: ListDetails) -> None:
    """Keep the title that the list has now, for every export to it and for what is known of it."""
    title = details.title[:_LONGEST]
    exports = Export.objects.filter(connection=connection, list_id__iexact=details.list_id)
    exports.exclude(list_title=title).update(list_title=title)
    known = DeliveredSet.objects.filter(account=connection.account, list_id__iexact=details.list_id)
    known.exclude(list_title=title).update(list_title=title)
