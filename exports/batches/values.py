"""Hold the contacts of a batch, and its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connections.destinations.values import BatchOperation, BatchReceipt, Violation


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch: the answer, and by address who could not be sent at all, and which values were left
    out."""

    receipt: BatchReceipt
    violations: Mapping[str, Violation] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[Violation]] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """One person of a batch, in the list's own form."""

    profile_id: int
    email: str
    payload: str
    data_hash: str
    is_new: bool
    operation: BatchOperation = BatchOperation.SEND
    single: bool = False  # takes calls of their own
    left_out: Sequence[Violation] = ()  # the values that the list cannot hold
