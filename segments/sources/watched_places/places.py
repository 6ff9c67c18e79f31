"""Say which place a data source watches."""

from segments.models import WatchedPlace
from segments.sources.watched_places.bucket import BucketPlace
from segments.sources.watched_places.folder import FolderPlace
from segments.sources.watched_places.place import Place


def place_of(watched: WatchedPlace) -> Place:
    """Return the folder or bucket of a data source."""
    return BucketPlace(watched) if watched.is_bucket else FolderPlace(watched.folder)
