"""Read the answers of S3-compatible servers: pages of listings, and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from segments.sources.buckets.errors import BucketFailed, failure_of

LARGEST_PAGE: Final = 16 << 20  # 1,000 names of 1,024 bytes, each encoded threefold, fit
_DECLARATION: Final = b"<!DOCTYPE"


@dataclass(frozen=True)
class BucketObject:
    """An object as it is listed."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True)
class Page:
    """A page of a listing, and what asks for the next one; empty at the end."""

    objects: Sequence[BucketObject]
    next_token: str


def page_in(content: bytes) -> Page:
    """Read a page of a listing with encoded keys. Raises BucketFailed when it is none."""
    root = _parsed(content)
    if root is None or _name(root) != "ListBucketResult":
        raise failure_in(200, b"", is_listing=True)
    try:
        objects = [_object(each) for each in root if _name(each) == "Contents"]
    except (KeyError, ValueError):
        raise failure_in(200, b"", is_listing=True) from None
    return Page(objects, _texts(root).get("NextContinuationToken", ""))


def failure_in(status: int, content: bytes, *, is_listing: bool) -> BucketFailed:
    """Return what an answer that is an error means."""
    root = _parsed(content)
    texts = _texts(root) if root is not None and _name(root) == "Error" else {}
    return failure_of(status, texts.get("Code", ""), texts.get("Region", ""), is_listing=is_listing)


def plain_etag(etag: str) -> str:
    """Return an ETag without its quotes."""
    return etag.strip().removeprefix("W/").strip('"')


def _object(entry: ElementTree.Element) -> BucketObject:
    texts = _texts(entry)
    return BucketObject(unquote_plus(texts["Key"]), plain_etag(texts["ETag"]), int(texts["Size"]))


def _parsed(content: bytes) -> ElementTree.Element | None:
    """Return the root of an XML document; None when it is none. Documents that declare entities are none."""
    if _DECLARATION in content:
        return None
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - without a declaration there are no entities
    except ElementTree.ParseError:
        return None


def _texts(element: ElementTree.Element) -> dict[str, str]:
    return {_name(each): each.text or "" for each in element}


def _name(element: ElementTree.Element) -> str:
    """Return the name without its namespace, which not every server gives."""
    return element.tag.rpartition("}")[2]
