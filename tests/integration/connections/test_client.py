"""The line to Campaign Monitor, against a server that answers byte for byte what a test scripts."""

import base64
import socket
import threading
from collections.abc import Iterator

import orjson
import pytest
from pytest_django import Settings

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.destination import DESTINATION
from connections.destinations.campaign_monitor.responses import without_addresses
from connections.destinations.errors import NeedsAdministrator, TryLater
from connections.destinations.values import Access, BatchOperation, SendGuard, Sending, SendSettings

DROP = b""
STALL = None
IMPORTED = {
    "TotalUniqueEmailsSubmitted": 1,
    "TotalExistingSubscribers": 0,
    "TotalNewSubscribers": 1,
    "DuplicateEmailsInSubmission": [],
    "FailureDetails": [],
}


def ok(content: object, status: str = "200 OK", extra: str = "", cut: int = 0) -> bytes:
    body = orjson.dumps(content)
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    whole = head.encode() + body
    return whole[: len(whole) - cut] if cut else whole


class ScriptedServer:
    """Answers each request with the next line of its script, or by its path; a cut or dropped answer ends the
    connection."""

    def __init__(self) -> None:
        self.script: list[bytes | None] = []
        self.by_path: dict[str, bytes] = {}
        self.requests: list[bytes] = []
        self.lines = 0
        self.together: threading.Barrier | None = None  # no answer leaves before so many requests came
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for line in self._open:
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.lines += 1
            self._open.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        while request := self._request(line):
            self.requests.append(request)
            if self.together:
                try:
                    self.together.wait(timeout=20)
                except threading.BrokenBarrierError:
                    return
            path = request.split(b" ")[1].decode().removeprefix("/api/v3.3")
            answer = self.by_path.get(path) or self.script.pop(0)
            if answer is STALL:
                return
            line.sendall(answer)
            head, _, body = answer.partition(b"\r\n\r\n")
            if f"Content-Length: {len(body)}".encode() not in head:
                line.close()
                return

    def _request(self, line: socket.socket) -> bytes:
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                if not (more := line.recv(65536)):
                    return b""
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            for field in head.split(b"\r\n"):
                if field.lower().startswith(b"content-length:"):
                    while len(body) < int(field.split(b":")[1]):
                        body += line.recv(65536)
        except OSError:
            return b""
        return head + b"\r\n\r\n" + body


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[Client]:
    with Client(server.url, "a-key") as client:
        yield client


def test_it_keeps_the_line_open(server: ScriptedServer, client: Client) -> None:
    server.script = [ok({"SystemDate": "2024-01-01 00:00:00"})] * 3
    for _ in range(3):
        client.system_date()
    assert server.lines == 1


def test_it_sends_the_key_as_user_name(server: ScriptedServer, client: Client) -> None:
    server.script = [ok({"SystemDate": "2024-01-01 00:00:00"})]
    client.system_date()
    head = server.requests[0].decode()
    assert head.startswith("GET /api/v3.3/systemdate.json HTTP/1.1\r\n")
    assert f"Authorization: Basic {base64.b64encode(b'a-key:x').decode()}" in head


def test_it_sends_a_batch_as_it_is(server: ScriptedServer, client: Client) -> None:
    server.script = [ok(IMPORTED, "201 Created")]
    receipt = client.import_subscribers("l1", ['{"EmailAddress":"zoë@example.com"}'])
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v3.3/subscribers/l1/import.json HTTP/1.1\r\n")
    assert b"Content-Type: application/json; charset=utf-8" in head
    assert b"Content-Encoding" not in head
    assert orjson.loads(body)["Subscribers"] == [{"EmailAddress": "zoë@example.com"}]
    assert (receipt.new, receipt.bytes_sent) == (1, len(body))


def test_a_pasted_id_stays_one_part_of_the_path(server: ScriptedServer, client: Client) -> None:
    server.script = [ok([])]
    client.lists(" ../../x?y ")
    assert server.requests[0].startswith(b"GET /api/v3.3/clients/..%2F..%2Fx%3Fy/lists.json ")


def test_a_dropped_line_is_tried_later(server: ScriptedServer, client: Client) -> None:
    server.script = [DROP]
    with pytest.raises(TryLater) as caught:
        client.system_date()
    assert caught.value.code == "cut_short"


def test_an_answer_cut_short_is_tried_later(server: ScriptedServer, client: Client) -> None:
    server.script = [ok(IMPORTED, "201 Created", cut=20)]
    with pytest.raises(TryLater) as caught:
        client.import_subscribers("l1", ["{}"])
    assert caught.value.code == "cut_short"


def test_it_goes_on_after_a_dropped_line(server: ScriptedServer, client: Client) -> None:
    server.script = [DROP, ok({"SystemDate": "2024-01-01 00:00:00"})]
    with pytest.raises(TryLater):
        client.system_date()
    assert client.system_date()


def test_silence_is_tried_later(server: ScriptedServer, client: Client, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_READ_SECONDS = 0.2
    server.script = [STALL]
    with pytest.raises(TryLater) as caught:
        client.system_date()
    assert caught.value.code == "timeout"


def test_an_unreachable_server_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", "a-key") as client, pytest.raises(TryLater) as caught:
        client.system_date()
    assert caught.value.code == "unreachable"
    assert "127.0.0.1" in caught.value.sentence


def test_it_follows_no_redirect_with_the_key(server: ScriptedServer, client: Client) -> None:
    server.script = [ok({}, "302 Found", extra="Location: http://127.0.0.1:9/\r\n")]
    with pytest.raises(TryLater):
        client.system_date()


def test_its_key_is_in_no_error_and_no_repr(server: ScriptedServer, client: Client) -> None:
    server.script = [ok({"Code": 100, "Message": "Invalid API Key"}, "401 Unauthorized")]
    with pytest.raises(NeedsAdministrator) as caught:
        client.system_date()
    assert "a-key" not in f"{caught.value!r} {client!r} {vars(client)!r}"
    assert caught.value.__cause__ is None


def test_a_key_of_any_letters_can_be_tried(server: ScriptedServer) -> None:
    server.script = [ok({"Code": 100, "Message": "Invalid API Key"}, "401 Unauthorized")]
    steps = DESTINATION.check(Access(server.url, {"api_key": "ключ🔑"}))
    assert [step.ok for step in steps] == [True, False, None, None]


# -- the check, told step by step -------------------------------------------------------------------------------

DATE = ok({"SystemDate": "2024-01-01 00:00:00"})
NOT_YOURS = ok({"Code": 403, "Message": "No"}, "403 Forbidden")
REFUSED = ok({"Code": 102, "Message": "No"}, "401 Unauthorized")


def test_check_tells_an_account_key(server: ScriptedServer) -> None:
    clients = ok([{"ClientID": "c1", "Name": "Shop"}, {"ClientID": "c2", "Name": "Café"}])
    server.script = [DATE, clients, ok([{"ListID": "l1", "Name": "News"}])]
    steps = DESTINATION.check(Access(server.url, {"api_key": "a-key"}))
    assert [(step.key, step.ok) for step in steps] == [
        ("reachable", True),
        ("key", True),
        ("kind", True),
        ("lists", True),
    ]
    assert steps[2].learned == {"key_kind": "account", "account_name": "Shop and others", "client_id": ""}


def test_check_asks_a_client_key_for_its_client(server: ScriptedServer) -> None:
    server.script = [DATE, NOT_YOURS]
    steps = DESTINATION.check(Access(server.url, {"api_key": "a-key"}))
    assert [step.ok for step in steps] == [True, True, None, None]
    assert steps[2].asks_for == "client_id"


def test_check_takes_a_client_key_with_its_client(server: ScriptedServer) -> None:
    details = ok({"ApiKey": "live-key", "BasicDetails": {"CompanyName": "Shop"}})
    server.script = [DATE, NOT_YOURS, details, ok([])]
    steps = DESTINATION.check(Access(server.url, {"api_key": "a-key"}, {"client_id": "c1"}))
    assert all(step.ok for step in steps)
    assert steps[2].learned == {"key_kind": "client", "client_id": "c1", "account_name": "Shop"}
    assert "live-key" not in repr(steps)


def test_check_asks_again_for_a_client_that_is_not_the_keys(server: ScriptedServer) -> None:
    server.script = [DATE, NOT_YOURS, REFUSED, REFUSED]
    steps = DESTINATION.check(Access(server.url, {"api_key": "a-key"}, {"client_id": "c9"}))
    assert [step.ok for step in steps] == [True, True, True, False]
    assert steps[3].asks_for == "client_id"


def test_check_tells_an_account_without_clients(server: ScriptedServer) -> None:
    server.script = [DATE, ok([])]
    steps = DESTINATION.check(Access(server.url, {"api_key": "a-key"}))
    assert steps[3].ok is False
    assert "no client" in steps[3].detail


def test_check_stops_where_it_cannot_go_on(server: ScriptedServer) -> None:
    server.script = [DROP]
    steps = DESTINATION.check(Access(server.url, {"api_key": "a-key"}))
    assert [step.ok for step in steps] == [False, None, None, None]


# -- lists -----------------------------------------------------------------------------------------------------


def test_details_name_the_client_and_fill_in_countries(server: ScriptedServer) -> None:
    land = {"FieldName": "Land", "Key": "[Land]", "DataType": "Country", "FieldOptions": []}
    server.by_path = {  # asked at the same time, in whatever order
        "/lists/l1.json": ok({"Title": "News", "ConfirmedOptIn": True, "UnsubscribeSetting": "OnlyThisList"}),
        "/clients.json": ok([{"ClientID": "c1", "Name": "Shop"}, {"ClientID": "c2", "Name": "Café"}]),
        "/clients/c1/lists.json": ok([]),
        "/clients/c2/lists.json": ok([{"ListID": "l1", "Name": "News"}]),
        "/clients/c2.json": ok({"BasicDetails": {"TimeZone": "(GMT+09:00) Osaka, Sapporo, Tokyo"}}),
        "/lists/l1/stats.json": ok({"TotalActiveSubscribers": 12}),
        "/lists/l1/customfields.json": ok([land]),
        "/countries.json": ok(["Finland", "Poland"]),
        "/systemdate.json": ok(
            {"SystemDate": "2024-01-01 00:00:00"}, extra="Date: Sun, 31 Dec 2023 22:00:01 GMT\r\n"
        ),
    }
    details = DESTINATION.list_details(Access(server.url, {"api_key": "a-key"}), "l1", with_clock=True)
    assert (details.title, details.group, details.opt_in, details.active_people) == (
        "News",
        "Café",
        "confirmed",
        12,
    )
    assert (details.group_id, details.clock) == ("c2", "2024-01-01 07:00:00")
    assert details.unsubscribe_scope == "this_list"
    assert [(field.key, field.options) for field in details.fields] == [
        ("name", ()),
        ("mobile_number", ()),
        ("[Land]", ("Finland", "Poland")),
    ]


def test_details_of_a_list_whose_client_is_known_are_asked_at_the_same_time(server: ScriptedServer) -> None:
    server.together = threading.Barrier(5)
    server.by_path = {
        "/lists/l1.json": ok({"Title": "News", "ConfirmedOptIn": False, "UnsubscribeSetting": "OnlyThisList"}),
        "/lists/l1/stats.json": ok({"TotalActiveSubscribers": 12}),
        "/lists/l1/customfields.json": ok([]),
        "/clients/c2.json": ok({"BasicDetails": {"TimeZone": "(GMT+09:00) Osaka, Sapporo, Tokyo"}}),
        "/systemdate.json": ok(
            {"SystemDate": "2024-01-01 00:00:00"}, extra="Date: Sun, 31 Dec 2023 22:00:01 GMT\r\n"
        ),
    }
    access = Access(server.url, {"api_key": "a-key"})
    details = DESTINATION.list_details(access, "l1", with_group=False, with_clock=True, group_id="c2")
    assert (len(server.requests), details.group_id, details.clock) == (5, "c2", "2024-01-01 07:00:00")


def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.destinations.campaign_monitor.client._LARGEST_ANSWER", 1000)
    server.script = [ok({"SystemDate": "x" * 100_000})]
    with pytest.raises(TryLater) as caught:
        client.system_date()
    assert caught.value.code == "unreadable"


def test_a_long_message_of_the_vendor_costs_linear_time() -> None:
    assert len(without_addresses("x" * 1_000_000)) <= 2_000


class Expired(Exception):
    """The lease deadline has passed."""


def allow(calls: int) -> SendGuard:
    """A guard that lets so many requests leave."""
    left = iter(range(calls))

    def check_may_send() -> None:
        if next(left, None) is None:
            raise Expired

    return check_may_send


def test_a_request_with_a_renewed_token_is_guarded_too(server: ScriptedServer) -> None:
    server.script = [ok({"Code": 121, "Message": "Expired OAuth Token"}, "401 Unauthorized")]
    with (
        Client(server.url, token="old", renew=lambda *_: "new", check_may_send=allow(1)) as client,
        pytest.raises(Expired),
    ):
        client.system_date()
    assert len(server.requests) == 1


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_each_call_of_each_removal_is_guarded(server: ScriptedServer, calls: int) -> None:
    active = {"EmailAddress": "a@x.example", "State": "Active", "Date": "2024-01-01 00:00:00"}
    active["ListJoinedDate"] = active["Date"]
    server.script = [ok(active), ok({}), ok(active), ok({})]
    leavers = [DESTINATION.removal_payload(email, Sending()) for email in ("a@x.example", "b@x.example")]
    access = Access(server.url, {"api_key": "k"}, check_may_send=allow(calls))
    removal = SendSettings("l1", (), {}, (), operation=BatchOperation.DELETE)
    with DESTINATION.open_sender(access) as sender, pytest.raises(Expired):
        sender.send(leavers, removal)
    assert len(server.requests) == calls


def test_the_second_import_of_bringing_back_is_guarded(server: ScriptedServer) -> None:
    deleted = {"EmailAddress": "a@x.example", "Code": 205, "Message": "deleted"}
    server.script = [
        ok(
            {"ResultData": IMPORTED | {"FailureDetails": [deleted]}, "Code": 210, "Message": "some"},
            "400 Bad Request",
        )
    ]
    access = Access(server.url, {"api_key": "k"}, check_may_send=allow(1))
    settings = SendSettings("l1", (), {}, (), operation=BatchOperation.READD)
    with DESTINATION.open_sender(access) as sender, pytest.raises(Expired):
        sender.send(['{"EmailAddress":"a@x.example"}'], settings)
    assert len(server.requests) == 1
