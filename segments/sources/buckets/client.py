"""List the objects of a bucket page by page, and download one in the version that was listed."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import requests
from django.utils.translation import gettext as _

from config.platform.checked_address import CheckedAddress
from segments.sources.buckets.address import BucketServer
from segments.sources.buckets.answers import LARGEST_PAGE, BucketObject, failure_in, page_in, plain_etag
from segments.sources.buckets.errors import BucketFailed, ObjectChanged, unreachable
from segments.sources.buckets.signature import SigningKey, encoded_path, encoded_query, signed_headers
from segments.sources.databases.attach import authorities

_TIMEOUT: Final = (5, 30)  # seconds to connect, and between two pieces
_WAITS: Final = (0.5, 2.0)  # seconds before a request is repeated
_PIECE: Final = 1 << 20
_ADDRESSES_TRIED: Final = 2


class BucketClient:
    """Reads a bucket within ``seconds``; ``key`` None sends requests that are not signed. ``check`` is called all
    the while and may raise to stop. ``is_patient`` repeats requests after temporary trouble. Every method raises
    BucketFailed."""

    def __init__(
        self,
        server: BucketServer,
        key: SigningKey | None,
        *,
        seconds: float,
        is_patient: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._server, self._key, self._check = server, key, check
        self._waits = _WAITS if is_patient else ()
        self._seconds, self._ends_at = seconds, time.monotonic() + seconds
        self._sessions = [_session(server, address) for address in server.addresses[:_ADDRESSES_TRIED]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for session in self._sessions:
            session.close()

    def objects(self, prefix: str, *, is_deep: bool) -> Iterator[BucketObject]:
        """List the objects whose key begins with ``prefix``; without ``is_deep`` only those without a further
        slash in it."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        if not is_deep:
            query["delimiter"] = "/"
        while True:
            with self._get("", query, is_listing=True) as answer:
                page = page_in(self._content(answer))
            yield from page.objects
            if not page.next_token:
                return
            query["continuation-token"] = page.next_token

    def check_readable(self, key: str, etag: str, size: int) -> None:
        """Read the first byte of an object. Raises ObjectChanged."""
        first = {"Range": "bytes=0-0"} if size else {}  # there is no range in an empty one
        self._get(key, {}, etag=etag, headers=first).close()

    def download(self, key: str, etag: str, target: Path, *, most_bytes: int) -> None:
        """Write an object to a file. Raises ObjectChanged when it is gone or has another ETag."""
        with self._get(key, {}, etag=etag) as answer, target.open("xb") as file:
            if plain_etag(answer.headers.get("ETag", "")) != etag:  # a server that does not know If-Match
                raise ObjectChanged
            size = 0
            for piece in self._pieces(answer):
                size += len(piece)
                if size > most_bytes:
                    sentence = _("The file is larger than %(most)d MB (MAX_UNPACKED_MB).")
                    raise BucketFailed(sentence % {"most": most_bytes >> 20}, "folder")
                file.write(piece)

    def _content(self, answer: requests.Response) -> bytes:
        """Return a page of a listing. Raises BucketFailed when it is none."""
        content = b""
        for piece in self._pieces(answer):
            content += piece
            if len(content) > LARGEST_PAGE:
                raise failure_in(answer.status_code, b"", is_listing=True)
        return content

    def _pieces(self, answer: requests.Response) -> Iterator[bytes]:
        try:
            for piece in answer.iter_content(_PIECE):
                self._proceed()
                yield piece
        except requests.RequestException as error:
            raise unreachable(error) from None

    def _get(
        self,
        key: str,
        query: Mapping[str, str],
        *,
        etag: str = "",
        headers: Mapping[str, str] | None = None,
        is_listing: bool = False,
    ) -> requests.Response:
        """Send a request, again after temporary trouble. Returns the answer, whose content is not read yet."""
        given = {"Accept-Encoding": "identity", **({"If-Match": f'"{etag}"'} if etag else {}), **(headers or {})}
        for wait in (*self._waits, None):
            self._proceed()
            try:
                return self._sent(key, query, given, is_listing=is_listing)
            except BucketFailed as failure:
                if wait is None or not failure.is_temporary:
                    raise
                time.sleep(wait)
        raise AssertionError  # the last round returns or raises

    def _sent(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str], *, is_listing: bool
    ) -> requests.Response:
        """Send a request to the first address that answers. Raises ObjectChanged."""
        server, path = self._server, self._server.base_path + key
        given = {"host": server.host, **headers}
        if self._key is not None:
            given |= signed_headers(self._key, host=server.host, path=path, query=query, moment=datetime.now(UTC))
        address = f"{server.scheme}://{server.host}{encoded_path(path)}?{encoded_query(query)}".rstrip("?")
        trouble: requests.RequestException | None = None
        for session in self._sessions:
            prepared = session.prepare_request(requests.Request("GET", address, headers=given))
            prepared.url = address  # exactly what is signed
            try:
                answer = session.send(
                    prepared, stream=True, timeout=_TIMEOUT, allow_redirects=False, verify=authorities()
                )
            except requests.RequestException as error:
                trouble = error
                continue
            if 200 <= answer.status_code < 300:
                return answer
            with answer:
                if not is_listing and answer.status_code in (404, 412):
                    raise ObjectChanged
                raise failure_in(answer.status_code, _first_bytes(answer), is_listing=is_listing)
        raise unreachable(trouble) from None

    def _proceed(self) -> None:
        """Raise BucketFailed when the time is over."""
        self._check()
        if time.monotonic() > self._ends_at:
            sentence = _(
                "The bucket could not be read within %(seconds)d seconds. Choose a folder with fewer files."
            )
            raise BucketFailed(sentence % {"seconds": self._seconds}, "folder")


def _first_bytes(answer: requests.Response) -> bytes:
    try:
        return next(answer.iter_content(_PIECE), b"")
    except requests.RequestException:
        return b""


def _session(server: BucketServer, address: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy would resolve the name itself
    session.mount("https://", CheckedAddress(server.name, address))
    session.mount("http://", CheckedAddress(server.name, address))
    return session
