"""Name the codes of results that no destination gives."""

from uuid import UUID

NO_EMAIL = "no_email"
BAD_EMAIL = "bad_email"
DUPLICATE = "duplicate"
NO_CONSENT = "no_consent"

# The code of contacts who left all segments of the export.
NOT_IN_ANY_SEGMENT = "not_in_any_segment"

# The code of a batch that may have done its work in an earlier call, though the last one says nothing of it.
UNANSWERED = "unanswered"

# The code of contacts whose result an answer does not tell.
UNMATCHED = "unmatched"

# The hash of unknown data.
UNKNOWN_DATA = UUID(int=0)
