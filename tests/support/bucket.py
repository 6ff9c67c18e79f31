"""Run a server of the S3 protocol (moto) on loopback, with one bucket."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import requests

from tests.support.workers import free_port

NAME = "profiles-of-tests"
# Objects are private; the server does not verify signatures.
_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=0"
}
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Bucket:
    """A bucket of the server at ``endpoint``."""

    endpoint: str

    def object_keys(self) -> set[str]:
        """Return the keys of all objects."""
        answer = self._ask("GET", "?list-type=2")
        return {each.text or "" for each in ElementTree.fromstring(answer.content).iter(f"{_NAMESPACE}Key")}

    def download(self, folder: Path) -> Path:
        """Copy all objects into a folder. Returns the folder."""
        for key in self.object_keys():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._ask("GET", f"/{key}").content)
        return folder

    def create(self) -> None:
        """Create it on the server."""
        self._ask("PUT")

    def delete(self) -> None:
        """Delete it with all objects."""
        for key in self.object_keys():
            self._ask("DELETE", f"/{key}")
        self._ask("DELETE")

    def _ask(self, method: str, rest: str = "") -> requests.Response:
        answer = requests.request(method, f"{self.endpoint}/{NAME}{rest}", headers=_SIGNED, timeout=10)
        answer.raise_for_status()
        return answer


@contextmanager
def bucket_server(folder: Path) -> Iterator[Bucket]:
    """Run the server on a free port; its log is in ``folder``."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "bucket-server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        bucket = Bucket(f"http://127.0.0.1:{port}")
        _wait_until_ready(bucket, process)
        yield bucket
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_ready(bucket: Bucket, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(bucket.endpoint, timeout=5)
        except requests.ConnectionError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the bucket server did not start: see its log") from error
            time.sleep(0.1)
        else:
            return
