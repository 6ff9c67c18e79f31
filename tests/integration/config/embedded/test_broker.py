"""The broker in a folder, with several processes at once."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from kombu import Connection, Exchange, Queue

from config.standalone import broker

QUEUE = Queue("jobs", Exchange("messages"), routing_key="jobs")

# Takes messages until none came for two seconds, and prints what it took.
CONSUMER = """
import sys
from pathlib import Path
from kombu import Connection, Exchange, Queue
from config.standalone import broker

broker.register()
queue = Queue("jobs", Exchange("messages"), routing_key="jobs")
options = broker.transport_options(Path(sys.argv[1]))

def take(body, message):
    print(body["number"], flush=True)
    message.ack()

with Connection("folder://", transport_options=options) as connection:
    with connection.Consumer([queue], callbacks=[take]):
        try:
            while True:
                connection.drain_events(timeout=2)
        except TimeoutError:
            pass
"""

# Puts messages with the numbers from argv[2] to argv[3].
PRODUCER = """
import sys
from pathlib import Path
from kombu import Connection, Exchange, Queue
from config.standalone import broker

broker.register()
queue = Queue("jobs", Exchange("messages"), routing_key="jobs")
options = broker.transport_options(Path(sys.argv[1]))
with Connection("folder://", transport_options=options) as connection:
    producer = connection.Producer()
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        producer.publish({"number": number}, exchange=queue.exchange, routing_key="jobs", declare=[queue])
"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    broker.register()
    with Connection("folder://", transport_options=broker.transport_options(tmp_path)) as connection:
        yield connection


def put(connection: Connection, number: int) -> None:
    connection.Producer().publish({"number": number}, exchange=QUEUE.exchange, routing_key="jobs", declare=[QUEUE])


def take_all(connection: Connection) -> list[int]:
    taken: list[int] = []
    channel = connection.channel()
    bound = QUEUE(channel)
    bound.declare()
    while message := bound.get(no_ack=True):
        taken.append(message.payload["number"])
    return taken


def start(program: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True)


@pytest.mark.processes
def test_racing_processes_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    consumers = [start(CONSUMER, tmp_path) for _ in range(2)]
    producers = [start(PRODUCER, tmp_path, first, first + 300) for first in (0, 300)]
    for producer in producers:
        producer.communicate(timeout=60)
        assert producer.returncode == 0
    takers = [[int(line) for line in consumer.communicate(timeout=60)[0].split()] for consumer in consumers]
    assert Counter(takers[0] + takers[1]) == Counter(range(600))
    assert all(takers), "one of the two took everything: they did not race"


def test_messages_come_in_the_order_they_were_put(connection: Connection) -> None:
    for number in range(5):
        put(connection, number)
    assert take_all(connection) == [0, 1, 2, 3, 4]


def test_messages_are_for_their_owner_alone(connection: Connection, tmp_path: Path) -> None:
    connection.transport_options = broker.transport_options(tmp_path / "made")
    put(connection, 1)
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"body": 1}', "\x00"])
def test_an_unreadable_message_is_set_aside(connection: Connection, tmp_path: Path, content: str) -> None:
    (tmp_path / "0_spoilt.jobs.msg").write_text(content)
    put(connection, 1)
    assert take_all(connection) == [1]
    assert [path.name for path in (tmp_path / "unreadable").iterdir()] == ["0_spoilt.jobs.msg"]


def test_a_folder_in_place_of_a_message_stops_no_worker(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "0_folder.jobs.msg").mkdir()
    put(connection, 1)
    assert take_all(connection) == [1]


def test_a_half_written_message_is_not_seen(connection: Connection, tmp_path: Path) -> None:
    put(connection, 1)
    (tmp_path / ".0_half.jobs.msg.unfinished").write_text("{")
    assert broker.count_messages(tmp_path, "jobs") == 1
    assert take_all(connection) == [1]


def test_queues_do_not_mix(connection: Connection, tmp_path: Path) -> None:
    put(connection, 1)
    assert broker.count_messages(tmp_path, "jobs") == 1
    assert broker.count_messages(tmp_path, "control") == 0


def test_what_a_killed_process_left_is_swept(connection: Connection, tmp_path: Path) -> None:
    put(connection, 1)
    (tmp_path / ".0_half.jobs.msg.unfinished").write_text("{")
    (tmp_path / ".0_taken.jobs.msg.taken").write_text(json.dumps({}))
    broker.delete_unfinished(tmp_path)
    assert [path.name.startswith(".") for path in tmp_path.iterdir()] == [False]
