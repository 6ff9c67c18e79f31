"""Find and download the files of a watched S3-compatible bucket."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from config.platform.encryption.keyring import CannotDecrypt
from config.platform.encryption.references import UnresolvedReference, resolve_reference
from segments.models import WatchedFile, WatchedPlace
from segments.sources.buckets.address import DEFAULT_REGION, server_of
from segments.sources.buckets.client import BucketClient
from segments.sources.buckets.errors import BucketFailed, ObjectChanged
from segments.sources.buckets.signature import SigningKey
from segments.sources.files.file_format import FileRefused
from segments.sources.watched_places.place import FileUnavailable, SeenFile, check_pattern, fits

SECRET_KEY: Final = "secret_key"  # noqa: S105 - the name of a credential
MOST_FILES: Final = 100_000
_SCAN_SECONDS: Final = 120
_TEST_SECONDS: Final = 30
_NAME_LENGTH: Final = 1024
_ETAG_LENGTH: Final = 200
_DOWNLOADED: Final = "object"


class BucketPlace:
    """A folder in a bucket, or the whole bucket."""

    def __init__(self, watched: WatchedPlace) -> None:
        self._watched = watched

    @property
    def settle_seconds(self) -> int:
        return 0  # an object appears when it is whole

    def path_of(self, name: str) -> str:
        return f"s3://{self._watched.bucket}/{self._watched.folder}{name}"

    def find_files(self, pattern: str) -> list[SeenFile]:
        """Return the files that fit the pattern, by name. Raises BucketFailed."""
        with self._client(_SCAN_SECONDS) as client:
            return self._find(client, pattern)

    def test(self, pattern: str) -> list[SeenFile]:
        """Return the files that fit the pattern, after the first of them was read. Raises BucketFailed."""
        with self._client(_TEST_SECONDS, is_patient=False) as client:
            found = self._find(client, pattern)
            if found:
                key = self._watched.folder + found[0].name
                with suppress(ObjectChanged):  # between the two requests, so it may be read
                    client.check_readable(key, found[0].version, found[0].size)
            return found

    @contextmanager
    def opened(self, file: WatchedFile, folder: Path, check: Callable[[], None]) -> Iterator[Path]:
        """Download an object into ``folder``, which is deleted after the import, and provide its path. Raises
        FileRefused when it is gone or has another ETag, and FileUnavailable."""
        target = folder / _DOWNLOADED
        try:
            with self._client(settings.DATABASE_SOURCE_SECONDS, check=check) as client:
                client.download(
                    self._watched.folder + file.name,
                    file.version,
                    target,
                    most_bytes=settings.MAX_UNPACKED_MB << 20,
                )
        except ObjectChanged:
            raise FileRefused(
                _("The file was changed or deleted before the import. If there is new content, it is imported.")
            ) from None
        except BucketFailed as failure:
            kind = FileUnavailable if failure.is_temporary else FileRefused
            raise kind(str(failure)) from failure
        yield target

    def _find(self, client: BucketClient, pattern: str) -> list[SeenFile]:
        check_pattern(pattern, has_folders=True)
        folder = self._watched.folder
        found = []
        for each in client.objects(folder, is_deep="/" in pattern):
            name = each.key.removeprefix(folder)
            if fits(name, pattern) and len(name) <= _NAME_LENGTH and len(each.etag) <= _ETAG_LENGTH:
                found.append(SeenFile(name, each.etag, each.size))
            if len(found) > MOST_FILES:
                sentence = _("More than %(most)d files match. Choose a folder or a pattern with fewer files.")
                raise BucketFailed(sentence % {"most": MOST_FILES}, "pattern")
        return sorted(found, key=lambda each: each.name)

    def _client(
        self, seconds: int, *, is_patient: bool = True, check: Callable[[], None] = lambda: None
    ) -> BucketClient:
        """Return a client of the bucket. Raises BucketFailed."""
        watched = self._watched
        server = server_of(
            endpoint=watched.endpoint,
            region=watched.region,
            bucket=watched.bucket,
            is_path_style=watched.is_path_style,
        )
        return BucketClient(server, self._key(), seconds=seconds, is_patient=is_patient, check=check)

    def _key(self) -> SigningKey | None:
        """Return what requests are signed with. Raises BucketFailed."""
        watched = self._watched
        if not watched.access_key_id:
            return None
        try:
            stored = watched.credentials.open() if watched.credentials is not None else {}
            secret = resolve_reference(stored.get(SECRET_KEY, ""))
        except (CannotDecrypt, UnresolvedReference) as error:
            raise BucketFailed(_("The secret key cannot be read: %(why)s") % {"why": error}, SECRET_KEY) from error
        return SigningKey(watched.access_key_id, secret, watched.region or DEFAULT_REGION)
