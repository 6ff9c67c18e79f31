"""Keep the title and the client of a list as they were when it was last looked up."""

from connections.destinations.values import ListDetails
from connections.models import Connection
from exports.models import DeliveredSet, Export

_LONGEST = 200


def follow(connection: Connection, details: ListDetails) -> None:
    """Store the title that the list has now, and its client where that was asked, for every export to it and for
    what is known of it."""
    title = details.title[:_LONGEST]
    exports = Export.objects.filter(connection=connection, list_id__iexact=details.list_id)
    exports.exclude(list_title=title).update(list_title=title)
    if details.group_id:
        exports.exclude(list_group=details.group_id).update(list_group=details.group_id)
    known = DeliveredSet.objects.filter(account=connection.account, list_id__iexact=details.list_id)
    known.exclude(list_title=title).update(list_title=title)
