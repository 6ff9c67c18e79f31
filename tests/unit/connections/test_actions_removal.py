"""Removing a connection, with made-up things that use it."""

import pytest

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import actions, hooks
from connections.hooks import ConnectionUsers, OnRemoval, StillBusy, Usage
from connections.models import Connection, Consent
from connections.policies import ConnectionStatus, status_of
from tests.support.connections import make_connection


class Thing:
    """A thing that uses every connection until it is removed or detached."""

    def __init__(self, key: str, *, busy: bool = False) -> None:
        self.key, self.busy = key, busy
        self.done: list[str] = []

    @property
    def is_there(self) -> bool:
        return not {"remove", "detach"} & set(self.done)


class Things(ConnectionUsers):
    """Things that use every connection."""

    def __init__(self) -> None:
        self.found: list[Thing] = []

    def usages(self, connection_id: int) -> list[Usage]:
        there = [thing for thing in self.found if thing.is_there]
        return [Usage("Thing", thing.key, "/x/", thing.key, thing.busy) for thing in there]

    def stop(self, key: str, *, by: User | None) -> None:
        self._thing(key).done.append("stop")

    def carry_out(self, key: str, choice: OnRemoval, *, by: User | None) -> None:
        thing = self._thing(key)
        if thing.busy:
            raise StillBusy
        thing.done.append(choice.value)

    def _thing(self, key: str) -> Thing:
        return next(thing for thing in self.found if thing.key == key)


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> list[Thing]:
    users = Things()  # type: ignore[abstract]
    monkeypatch.setattr(hooks, "connection_users", users)
    return users.found


@pytest.fixture
def connection(alice: User) -> Connection:
    return make_connection(alice)


def test_it_goes_with_its_secrets_and_the_record_stays(
    alice: User, connection: Connection, things: list[Thing]
) -> None:
    assert actions.remove(by=alice, connection=connection)
    assert not Connection.objects.exists()
    assert not Consent.objects.exists()
    assert AuditEntry.objects.latest("id").target_name == "Newsletter"


def test_it_waits_for_a_word_on_each_of_its_uses(alice: User, connection: Connection, things: list[Thing]) -> None:
    things += [Thing("a"), Thing("b")]
    with pytest.raises(actions.Undecided) as caught:
        actions.remove(by=alice, connection=connection, choices={"a": OnRemoval.REMOVE})
    assert [usage.key for usage in caught.value.usages] == ["a", "b"]
    assert things[0].is_there
    connection.refresh_from_db()
    assert not connection.is_being_removed


def test_each_use_gets_what_was_said_of_it(alice: User, connection: Connection, things: list[Thing]) -> None:
    things += [Thing("a"), Thing("b")]
    actions.remove(by=alice, connection=connection, choices={"a": OnRemoval.REMOVE, "b": OnRemoval.DETACH})
    assert [thing.done for thing in things] == [["remove"], ["detach"]]
    assert not Connection.objects.exists()


def test_what_is_at_work_stops_first(alice: User, connection: Connection, things: list[Thing]) -> None:
    things += [Thing("a"), Thing("b", busy=True)]
    assert not actions.remove(
        by=alice, connection=connection, choices={"a": OnRemoval.REMOVE, "b": OnRemoval.REMOVE}
    )
    assert [thing.done for thing in things] == [[], ["stop"]]
    connection.refresh_from_db()
    assert status_of(connection) is ConnectionStatus.BEING_REMOVED
    actions.finish_removals()
    assert Connection.objects.exists()
    things[1].busy = False
    actions.finish_removals()
    assert not Connection.objects.exists()
    assert things[0].done == ["remove"]


def test_what_comes_to_use_it_meanwhile_is_detached(
    alice: User, connection: Connection, things: list[Thing]
) -> None:
    things.append(Thing("a", busy=True))
    actions.remove(by=alice, connection=connection, choices={"a": OnRemoval.REMOVE})
    things[0].busy = False
    things.append(Thing("late"))
    actions.finish_removals()
    assert [thing.done for thing in things] == [["stop", "remove"], ["detach"]]


def test_nothing_is_half_done_when_one_becomes_busy(
    alice: User, connection: Connection, things: list[Thing], monkeypatch: pytest.MonkeyPatch
) -> None:
    things += [Thing("a"), Thing("b")]

    def refuse(key: str, choice: OnRemoval, *, by: User | None) -> None:
        things[0].done.append(choice.value)
        raise StillBusy

    monkeypatch.setattr(hooks.connection_users, "carry_out", refuse)
    assert not actions.remove(
        by=alice, connection=connection, choices={"a": OnRemoval.DETACH, "b": OnRemoval.DETACH}
    )
    assert Connection.objects.get().is_being_removed
    assert not AuditEntry.objects.filter(action="connection.removed").exists()


def test_a_connection_that_was_not_asked_to_be_removed_stays(connection: Connection) -> None:
    assert not actions.finish_removal(connection.pk)
    actions.finish_removals()
    assert Connection.objects.exists()
