"""The process: what survives its death, how it speaks on its sockets, how it starts."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import createsend.utils
import pytest
import requests

from tests.contract.official import createsend as official_client
from tests.support.sandbox import ROOT, RunningSandbox, running_sandbox

CITY = {"Key": "[City]", "Value": "Oslo"}


def test_a_kill_forgets_nothing_that_was_answered(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.import_people([{"EmailAddress": "a@example.com", "Name": "Alice", "CustomFields": [CITY]}])
        sandbox.import_people([{"EmailAddress": "b@example.com"}, {"EmailAddress": "a@example.com"}])
        club = sandbox.create_list("Club", confirmed=True, scope="OnlyThisList", fields=[("Shoe size", "Number")])
        sandbox.set_state(["b@example.com"], "Unsubscribed")
        sandbox.door("POST", "tokens", json={"token": "kept"})
        before = everything(sandbox, club)

        sandbox.kill()
        sandbox.restart()
        assert everything(sandbox, club) == before
        assert requests.get(
            f"{sandbox.url}/api/v3.3/clients.json", headers={"Authorization": "Bearer kept"}, timeout=9
        )

        sandbox.restart()
        assert everything(sandbox, club) == before


def everything(sandbox: RunningSandbox, club: str) -> list[Any]:
    paths = [f"/lists/{club}.json", f"/lists/{club}/customfields.json", f"/clients/{sandbox.client_id}/lists.json"]
    paths.append(f"/clients/{sandbox.client_id}/suppressionlist.json")
    told = [sandbox.api("GET", path).json() for path in paths]
    return [*told, sandbox.people(), sandbox.people(state="unsubscribed"), sandbox.counts(), sandbox.received()]


def test_changes_of_every_kind_survive(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        person, client = f"/subscribers/{sandbox.list_id}.json", f"/clients/{sandbox.client_id}"
        sandbox.import_people([{"EmailAddress": "a@example.com"}])
        change = {"EmailAddress": "new@example.com", "ConsentToTrack": "No"}
        sandbox.api("PUT", person, params={"email": "a@example.com"}, json=change)
        sandbox.api("POST", f"{client}/suppress.json", json={"EmailAddresses": ["x@example.com", "y@example.com"]})
        sandbox.api("PUT", f"{client}/unsuppress.json", params={"email": "x@example.com"})
        sandbox.api("DELETE", f"/lists/{sandbox.create_list('Gone')}.json")
        sandbox.api("DELETE", f"/lists/{sandbox.list_id}/customfields/%5BCity%5D.json")
        before = everything(sandbox, sandbox.list_id)

        sandbox.kill()
        sandbox.restart()
        assert everything(sandbox, sandbox.list_id) == before
        assert [each["EmailAddress"] for each in sandbox.people()] == ["new@example.com"]


def test_a_line_cut_in_the_middle_was_never_answered(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.import_people([{"EmailAddress": "a@example.com"}])
        sandbox.kill()
        with sandbox.file.open("ab") as file:
            file.write(b'[["people","' + sandbox.list_id.encode())
        sandbox.restart()
        sandbox.import_people([{"EmailAddress": "b@example.com"}])
        sandbox.restart()

        assert [each["EmailAddress"] for each in sandbox.people()] == ["a@example.com", "b@example.com"]


def test_a_kill_in_the_middle_of_imports_keeps_the_answered_ones(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        answered: list[int] = []
        enough = threading.Event()

        def send(first: int) -> None:
            for number in range(first, 100_000, 4):
                rows = [
                    {"EmailAddress": f"p{number}-{row}@example.com", "ConsentToTrack": "Yes"} for row in range(100)
                ]
                try:
                    status = post(sandbox, rows).status_code
                except requests.RequestException:
                    return
                assert status == 201
                answered.append(number)
                if len(answered) > 20:
                    enough.set()

        senders = [threading.Thread(target=send, args=(first,)) for first in range(4)]
        for sender in senders:
            sender.start()
        assert enough.wait(30)
        sandbox.kill()
        for sender in senders:
            sender.join()
        sandbox.restart()

        there = {each["EmailAddress"] for each in sandbox.people()}
        assert all(f"p{number}-{row}@example.com" in there for number in answered for row in range(100))
        assert len(there) % 100 == 0


def post(sandbox: RunningSandbox, rows: list[dict[str, Any]]) -> requests.Response:
    url = f"{sandbox.url}/api/v3.3/subscribers/{sandbox.list_id}/import.json"
    return requests.post(url, json={"Subscribers": rows}, auth=(sandbox.api_key, "x"), timeout=30)


def test_concurrent_imports_lose_no_subscriber(sandbox: RunningSandbox) -> None:
    def send(number: int) -> int:
        rows = [
            {"EmailAddress": f"p{(number + row) % 400}@example.com", "ConsentToTrack": "Yes"} for row in range(50)
        ]
        return post(sandbox, rows).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(0, 2000, 25))) == {201}
    assert sandbox.counts()["Active"] == 400
    assert sum(sandbox.received().values()) == 80 * 50


def test_one_connection_is_kept_for_many_calls(sandbox: RunningSandbox) -> None:
    host, port = sandbox.url.removeprefix("http://").split(":")
    head = b"GET /api/v3.3/systemdate.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head * 3)  # pipelined: three questions before the first answer
        heard = b""
        while heard.count(b"Invalid API Key") < 3:
            heard += connection.recv(65536)

    assert heard.count(b"HTTP/1.1 401") == 3
    assert heard.count(b"Connection: keep-alive") == 3


def test_a_body_in_chunks_is_understood(sandbox: RunningSandbox) -> None:
    def chunks() -> Any:
        yield b'{"Subscribers": [{"EmailAddress": "a@example.com",'
        yield b' "ConsentToTrack": "Yes"}]}'

    url = f"{sandbox.url}/api/v3.3/subscribers/{sandbox.list_id}/import.json"
    answer = requests.post(url, data=chunks(), auth=(sandbox.api_key, "x"), timeout=10)
    assert answer.status_code == 201


def test_large_answers_are_compressed_when_asked(sandbox: RunningSandbox) -> None:
    sandbox.import_people([{"EmailAddress": f"p{number}@example.com"} for number in range(50)])
    path = f"/lists/{sandbox.list_id}/active.json"

    assert sandbox.api("GET", path).headers["Content-Encoding"] == "gzip"
    plain = sandbox.api("GET", path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert len(plain.json()["Results"]) == 50


def test_its_clock_is_set_ahead_until_it_is_reset(sandbox: RunningSandbox) -> None:
    before = sandbox.api("GET", "/systemdate.json").json()["SystemDate"]
    sandbox.door("PUT", "clock", json={"ahead_seconds": 5 * 86_400})
    ahead = sandbox.api("GET", "/systemdate.json").json()["SystemDate"]
    sandbox.reset()
    assert before <= sandbox.api("GET", "/systemdate.json").json()["SystemDate"] < ahead[:10]


def test_only_json_is_spoken(sandbox: RunningSandbox) -> None:
    assert sandbox.api("GET", "/systemdate.xml").status_code == 501
    assert sandbox.api("GET", "/systemdate", headers={"Accept": "*/*"}).status_code == 501
    assert sandbox.api("GET", "/systemdate", headers={"Accept": "application/json"}).status_code == 200
    assert b"\n" in sandbox.api("GET", "/systemdate.json", params={"pretty": "true"}).content


def test_the_official_client_as_it_is_speaks_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_sandbox(tmp_path / "sandbox", tls=True) as sandbox:
        # The one change: where it looks for the certificates that it trusts.
        shutil.copy(sandbox.certificate, tmp_path / "cacert.pem")
        monkeypatch.setattr(createsend.utils, "__file__", str(tmp_path / "utils.py"))
        monkeypatch.setattr(official_client.CreateSend, "base_uri", f"{sandbox.https_url}/api/v3.3")

        account = official_client.CreateSend({"api_key": sandbox.api_key})
        assert [each.ClientID for each in account.clients()] == [sandbox.client_id]
        assert sandbox.people() == []  # and HTTP beside it

        trusted = ssl.create_default_context(cafile=str(sandbox.certificate))
        assert trusted.verify_mode is ssl.CERT_REQUIRED
        sandbox.restart()
        assert len(account.clients()) == 1


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        assert sandbox.file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_quietly_when_told(tmp_path: Path, number: int) -> None:
    with running_sandbox(tmp_path) as sandbox:
        process = sandbox._process
        assert process is not None
        os.kill(sandbox.pid, number)

        assert process.wait(timeout=10) == 0
        assert "Traceback" not in (tmp_path / "sandbox.out").read_text(encoding="utf-8")


def test_a_taken_port_and_a_taken_file_are_one_sentence_each(sandbox: RunningSandbox, tmp_path: Path) -> None:
    port = sandbox.url.rpartition(":")[2]

    assert "cannot start on 127.0.0.1:" in refused("--port", port, "--file", str(tmp_path / "other.jsonl"))
    assert "Another sandbox stores its lists" in refused("--port", "0", "--file", str(sandbox.file))


def refused(*options: str) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), "run_campaign_monitor_sandbox", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr
