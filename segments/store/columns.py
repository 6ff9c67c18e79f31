"""Name the tables and columns of the profile store, with their DuckDB types."""

from collections.abc import Iterable, Mapping

from segments.catalog import Attribute
from segments.models import AttributeType
from segments.store.engine import LAKE

PROFILES = f"{LAKE}.profile"
# A member set is the result of one refresh; PostgreSQL says which set is the current one of a segment.
MEMBERS = f"{LAKE}.member"
# Which profiles are one customer: ``profile_id`` and ``unified_id``, for two or more profiles each; and the
# unified profiles, with the columns of profiles and the lowest of their IDs.
IDENTITY = f"{LAKE}.identity"
UNIFIED = f"{LAKE}.unified"
# Which profiles once were part of the unified profile ``unified_id`` and are no longer, for member sets up to
# ``last_set_id``.
FORMER_IDENTITY = f"{LAKE}.former_identity"
# What every profile has, in the order of the table. Profiles with a higher ``updated_at`` are more recent.
FIXED: Mapping[str, str] = {
    "id": "BIGINT",
    "source_id": "BIGINT",
    "key": "VARCHAR",
    "created_at": "TIMESTAMPTZ",
    "updated_at": "TIMESTAMPTZ",
}
TYPES: Mapping[AttributeType, str] = {
    AttributeType.TEXT: "VARCHAR",
    AttributeType.NUMBER: "DOUBLE",
    AttributeType.DATE: "DATE",
    AttributeType.BOOLEAN: "BOOLEAN",
    AttributeType.INTEGER: "BIGINT",
    AttributeType.DATETIME: "TIMESTAMPTZ",
    AttributeType.LIST: "VARCHAR[]",
}


def columns_of(attributes: Iterable[Attribute]) -> dict[str, str]:
    """Return the names of the columns of attributes, each with its type."""
    found: dict[str, str] = {}
    for attribute in attributes:
        found[attribute.column] = TYPES[attribute.data_type]
        if attribute.has_emails:
            found[attribute.email_column] = "VARCHAR"
        if attribute.has_originals:
            found[attribute.text_column] = "VARCHAR"
    return found
