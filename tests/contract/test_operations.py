"""What every destination does with contacts beside sending them: mark, delete, unsubscribe, and add again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pytest_django import Settings

from connections import destinations
from connections.destinations.base import Destination
from connections.destinations.errors import NeedsAdministrator, PermanentError, TryLater
from connections.destinations.values import (
    ALREADY_REMOVED,
    FOUND_THERE,
    NOT_ON_LIST,
    REMOVALS,
    Access,
    BatchOperation,
    BatchReceipt,
    FieldMapping,
    Mark,
    RefusalKind,
    Sending,
    SendSettings,
)
from tests.contract.grounds import GROUNDS, GroundOfOperations
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until

DECLARED = [
    (destination, operation)
    for destination in destinations.all_destinations()
    for operation in REMOVALS
    if operation in destination.capabilities.operations
]
WITHOUT = [each for each in destinations.all_destinations() if not each.capabilities.operations]
ANN, BEN, CID, UNKNOWN = (f"{name}@example.com" for name in ("ann", "ben", "cid", "nobody"))


class Tried:
    """A destination and one of its operations, on a list to which it has sent Ann, Ben and Cid."""

    def __init__(self, destination: Destination, operation: BatchOperation, ground: GroundOfOperations) -> None:
        self.destination, self.operation, self.ground = destination, operation, ground
        self.list_id = ground.make_list()
        name, self.mark_field = ground.fields
        details = destination.list_details(ground.access, self.list_id)
        mark = Mark(self.mark_field, "gone")
        mapping = [FieldMapping("first_name", name)]
        self.settings = SendSettings(self.list_id, mapping, ground.answers, details.fields, mark=mark)
        self.clock_before = destination.clock(ground.access)
        self.send([ANN, BEN, CID])

    def send(
        self, emails: Sequence[str], operation: BatchOperation = BatchOperation.SEND, *, welcome: bool = False
    ) -> BatchReceipt:
        """Send contacts, as a run does."""
        prepare = self.destination.preparer(self.settings)
        payloads = [str(prepare(email, ["Name"])) for email in emails]
        if welcome:
            payloads = [
                self.destination.payload_without_mark(each, Mark(self.mark_field, "")) for each in payloads
            ]
        return self._out(payloads, operation)

    def remove(
        self, *emails: str, sent_since: str = "", access: Access | None = None, list_id: str = ""
    ) -> BatchReceipt:
        """Do the operation to them."""
        first_sent = Sending(since=sent_since, added_by_us=not sent_since)
        payloads = [self.destination.removal_payload(email, first_sent) for email in emails]
        return self._out(payloads, self.operation, access, list_id)

    def _out(
        self, payloads: Sequence[str], operation: BatchOperation, access: Access | None = None, list_id: str = ""
    ) -> BatchReceipt:
        settings = replace(self.settings, operation=operation, list_id=list_id or self.list_id)
        with self.destination.open_sender(access or self.ground.access) as sender:
            return sender.send(payloads, settings)

    @property
    def removed(self) -> set[str]:
        """Find which of the three contacts are as the operation leaves them."""
        people = self.ground.people(self.list_id)
        if self.operation is BatchOperation.MARK:
            return {email for email, (_name, mark) in people.items() if mark == "gone"}
        gone = {ANN, BEN, CID} - set(people)
        return (
            gone & self.ground.has_unsubscribed(self.list_id)
            if self.operation is BatchOperation.UNSUBSCRIBE
            else gone
        )


@pytest.fixture(params=DECLARED, ids=lambda each: f"{each[0].key}-{each[1]}")
def tried(request: pytest.FixtureRequest, sandbox: RunningSandbox, settings: Settings, tmp_path: Path) -> Tried:
    destination, operation = request.param
    ground = GROUNDS[destination.key](sandbox, settings, tmp_path)
    return Tried(destination, operation, cast(GroundOfOperations, ground))


def said(receipt: BatchReceipt) -> dict[str, tuple[str, str]]:
    """Who was not removed, with kind and code."""
    return {refusal.email: (refusal.kind.value, refusal.code) for refusal in receipt.refusals}


def test_it_is_done_to_exactly_those(tried: Tried) -> None:
    receipt = tried.remove(ANN, BEN)
    assert (said(receipt), receipt.new, receipt.unaccounted) == ({}, 0, 0)
    assert tried.removed == {ANN, BEN}


def test_it_names_missing_subscribers_and_adds_none(tried: Tried) -> None:
    sent_at = tried.destination.clock(tried.ground.access)
    wait_until(lambda: tried.destination.clock(tried.ground.access) > sent_at)  # lists keep times in seconds
    receipt = tried.remove(ANN, UNKNOWN)
    assert said(receipt) == {UNKNOWN: (RefusalKind.SUPPRESSED, NOT_ON_LIST)}
    assert tried.removed == {ANN}
    assert UNKNOWN not in tried.ground.people(tried.list_id)


def test_it_leaves_who_has_taken_themselves_off_meanwhile(tried: Tried) -> None:
    tried.ground.let_unsubscribe(tried.list_id, BEN)
    receipt = tried.remove(ANN, BEN)
    assert {email: kind for email, (kind, _code) in said(receipt).items()} == {BEN: RefusalKind.SUPPRESSED}
    assert BEN in tried.ground.has_unsubscribed(tried.list_id)
    assert tried.removed >= {ANN}


def test_only_contacts_that_were_there_before_stay(tried: Tried) -> None:
    retained = tried.remove(ANN, sent_since=tried.ground.in_a_thousand_years)
    assert said(retained) == {ANN: (RefusalKind.SUPPRESSED, FOUND_THERE)}
    assert tried.removed == set()
    assert said(tried.remove(BEN, sent_since=tried.clock_before)) == {}
    assert tried.removed == {BEN}


def test_asked_twice_it_says_so_or_does_it_again(tried: Tried) -> None:
    tried.remove(ANN)
    again = said(tried.remove(ANN, BEN))
    assert again == (
        {} if tried.operation is BatchOperation.MARK else {ANN: (RefusalKind.SUPPRESSED, ALREADY_REMOVED)}
    )
    assert tried.removed == {ANN, BEN}


def test_it_says_what_happens_next_when_it_cannot(tried: Tried) -> None:
    with pytest.raises(TryLater):
        tried.remove(ANN, access=tried.ground.unreachable)
    with pytest.raises(NeedsAdministrator):
        tried.remove(ANN, access=Access(tried.ground.access.base_url, {"api_key": "wrong"}))
    with pytest.raises(PermanentError):
        tried.remove(ANN, list_id="f" * 32)
    assert tried.removed == set()


def test_who_was_removed_comes_back_by_the_operation_that_is_for_it_alone(tried: Tried) -> None:
    tried.remove(ANN, BEN)
    assert tried.send([ANN]).new == 0  # sending alone undoes nothing
    assert tried.removed == {ANN, BEN}
    if tried.operation is BatchOperation.MARK:
        tried.send([ANN], welcome=True)
    elif tried.operation is BatchOperation.DELETE:
        tried.send([ANN], BatchOperation.READD)
    else:
        assert {kind for kind, _code in said(tried.send([ANN], BatchOperation.READD)).values()} == {
            RefusalKind.SUPPRESSED
        }
        assert ANN in tried.ground.has_unsubscribed(tried.list_id)
        tried.send([ANN], BatchOperation.RESUBSCRIBE)
    assert tried.removed == {BEN}


@pytest.mark.parametrize("destination", WITHOUT, ids=lambda each: each.key)
def test_what_cannot_be_done_is_not_offered(destination: Destination) -> None:
    with pytest.raises(NotImplementedError):
        destination.removal_payload(ANN, Sending())
