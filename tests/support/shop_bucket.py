"""A bucket with files, on a server of the S3 protocol that can verify signatures and rights (moto)."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import requests

from tests.support.bucket import bucket_server

REGION = "eu-central-1"
ACCESS_KEY_ID = "AKIAOFTHETESTS"
SECRET_KEY = "secret-of-the-tests/+="
_NEVER = "inf"  # after so many requests rights are verified


@dataclass(frozen=True)
class ShopBucket:
    """A bucket of the server at ``endpoint``."""

    endpoint: str
    name: str

    def create(self) -> None:
        self._ask("PUT")

    def put(self, key: str, content: str | bytes = "id,name\n1,Aino\n") -> str:
        """Write an object. Returns its ETag."""
        body = content.encode() if isinstance(content, str) else content
        return self._ask("PUT", f"/{quote(key, safe='/')}", data=body).headers["ETag"].strip('"')

    def remove(self, key: str) -> None:
        self._ask("DELETE", f"/{quote(key, safe='/')}")

    def start_upload(self, key: str, part: bytes) -> str:
        """Upload the only part of an object in parts. Returns what completes it."""
        path = f"/{quote(key, safe='/')}"
        answer = ElementTree.fromstring(self._ask("POST", f"{path}?uploads").content)
        upload = next(each.text for each in answer if each.tag.endswith("UploadId"))
        etag = self._ask("PUT", f"{path}?partNumber=1&uploadId={upload}", data=part).headers["ETag"]
        return f"{path}?uploadId={upload}|{etag}"

    def complete_upload(self, started: str) -> None:
        rest, etag = started.split("|")
        body = (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            f"<ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        )
        self._ask("POST", rest, data=body.encode())

    @contextmanager
    def verified(self) -> Iterator[None]:
        """Let the server verify signatures and rights, and refuse what this helper asks."""
        self._verify_after("0")
        try:
            yield
        finally:
            self._verify_after(_NEVER)

    def user(self, name: str, actions: Sequence[str]) -> tuple[str, str]:
        """Create a user who may do so much. Returns the access key ID and the secret key."""
        self._manage(Action="CreateUser", UserName=name)
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._manage(Action="PutUserPolicy", UserName=name, PolicyName="rights", PolicyDocument=policy)
        answer = ElementTree.fromstring(self._manage(Action="CreateAccessKey", UserName=name).content)
        found = {each.tag.rpartition("}")[2]: each.text or "" for each in answer.iter()}
        return found["AccessKeyId"], found["SecretAccessKey"]

    def _verify_after(self, count: str) -> None:
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data=count, timeout=10).raise_for_status()

    def _manage(self, **values: str) -> requests.Response:
        answer = requests.post(self.endpoint, data=values, headers=_signed("iam"), timeout=10)
        answer.raise_for_status()
        return answer

    def _ask(self, method: str, rest: str = "", data: bytes | None = None) -> requests.Response:
        address = f"{self.endpoint}/{self.name}{rest}"
        answer = requests.request(method, address, headers=_signed("s3"), data=data, timeout=10)
        answer.raise_for_status()
        return answer


@contextmanager
def shop_bucket_server(folder: Path) -> Iterator[ShopBucket]:
    """Run a server with an empty bucket; its log is in ``folder``."""
    with bucket_server(folder) as server:
        yield ShopBucket(server.endpoint, "shop-files")


def _signed(service: str) -> dict[str, str]:
    """Return a header that the server takes while it verifies nothing."""
    credential = f"key/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}
