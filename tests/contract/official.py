"""The official client. It has no types of its own."""

from typing import Any

import createsend as _createsend

createsend: Any = _createsend
connecting: Any = _createsend.createsend
