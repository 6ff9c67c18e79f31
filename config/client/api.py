"""Send requests to the REST API of a server, with the address and the token from the environment."""

import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

URL, TOKEN, TOKEN_FILE = "SEGMENT_EXPORTS_URL", "SEGMENT_EXPORTS_TOKEN", "SEGMENT_EXPORTS_TOKEN_FILE"
LONGEST_WAIT = 8  # seconds that the server keeps a request that follows a job
LONGEST_PAUSE = 60  # seconds before a busy server is asked again
_TIMEOUT = (10, 30)
_ATTEMPTS = 5
_NO_ANSWER = "no_answer"
_TRY_AGAIN = (
    *(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY),
    *(HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
)
Item = dict[str, Any]


class ServerError(Exception):
    """A request that was not carried out, with the sentence of the server; ``code`` names the reason."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code

    @property
    def is_away(self) -> bool:
        """Return whether the server does not answer, or is starting or busy: another try may be carried out."""
        return self.code == _NO_ANSWER or self.status in _TRY_AGAIN


class NotConfigured(ServerError):
    """The environment does not say where the server is, or has no token."""


class _Retry(Retry):
    """Asks again after as long as the server says, and after a minute at most."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        said = super().get_retry_after(response)
        return None if said is None else min(said, LONGEST_PAUSE)


class _Bearer(AuthBase):
    """Sends the token. A header of the session would give way to the password of a .netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Api:
    """The REST API of one server. Requests are repeated when the server is busy or does not answer: each either
    reads, or has an idempotency key, or asks for something that is done once anyway."""

    def __init__(self, url: str, token: str, *, attempts: int = _ATTEMPTS) -> None:
        self._root = url.rstrip("/") + "/api/v1/"
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._session.headers.update({"User-Agent": "segment-exports-client", "Accept": "application/json"})
        retry = _Retry(
            total=attempts,
            backoff_factor=0.5,
            status_forcelist=_TRY_AGAIN,
            allowed_methods=None,
            raise_on_status=False,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def get(self, path: str, **query: object) -> Item:
        """Return what an address below /api/v1/ shows. Raises ServerError."""
        return self._send(
            "GET", path, params={key: value for key, value in query.items() if value not in (None, "")}
        )

    def post(self, path: str, body: Mapping[str, object] | None = None, *, key: str = "") -> Item:
        """Ask for something; a repeat with the same idempotency key changes nothing again. Raises ServerError."""
        return self._send("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})

    def items(self, path: str, **query: object) -> Iterator[Item]:
        """Yield all items of a list, part by part. Raises ServerError."""
        cursor: object = None
        while True:
            part = self.get(path, **query, limit=500, cursor=cursor)
            yield from part["items"]
            cursor = part["next_cursor"]
            if cursor is None:
                return

    def _send(self, method: str, path: str, **arguments: Any) -> Item:
        try:
            # A redirect would take the token, or lose the body: it is shown instead.
            response = self._session.request(
                method, self._root + path, timeout=_TIMEOUT, allow_redirects=False, **arguments
            )
        except requests.RequestException as error:
            raise ServerError(f"{self._root} does not answer: {_cause(error)}", code=_NO_ANSWER) from error
        if response.is_redirect or response.is_permanent_redirect:
            raise NotConfigured(f"{self._root} redirects to {response.headers['Location']}: correct {URL}.")
        try:
            answer = response.json()
        except requests.exceptions.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise ServerError(
                f"{self._root} answers {response.status_code} without JSON: is {URL} right?",
                status=response.status_code,
            )
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise NotConfigured(
                f"The server does not accept the token. It is wrong, expired or revoked: correct {TOKEN} or "
                f"{TOKEN_FILE}."
            )
        if not response.ok:
            raise ServerError(_sentence(answer), status=response.status_code, code=str(answer.get("code", "")))
        return answer


def from_environment(environment: Mapping[str, str] = os.environ, *, attempts: int = _ATTEMPTS) -> Api:
    """Return the API that the environment names. Raises NotConfigured."""
    url, token = environment.get(URL, "").strip(), environment.get(TOKEN, "").strip()
    if not url.startswith(("https://", "http://")):
        raise NotConfigured(f"Set {URL} to the address of the server, such as https://segments.example.com.")
    if not token and (path := environment.get(TOKEN_FILE, "")):
        try:
            token = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotConfigured(f"{TOKEN_FILE}: {path} cannot be read: {error}") from error
    if not token or not token.isascii() or not token.isprintable():
        raise NotConfigured(f"Set {TOKEN}, or {TOKEN_FILE} to a file that holds it, to an API token.")
    return Api(url, token, attempts=attempts)


def _sentence(problem: Mapping[str, Any]) -> str:
    wrong = [f"{'.'.join(map(str, each['location']))}: {each['message']}" for each in problem.get("errors") or ()]
    return " ".join([str(problem.get("detail", "The request failed.")), *wrong])


def _cause(error: BaseException) -> str:
    """Return the innermost reason, which says more than those around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error)
