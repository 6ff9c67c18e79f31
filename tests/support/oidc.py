"""A small OpenID Connect provider on loopback: discovery, keys, authorization with PKCE, tokens signed with RS256,
and user information. One person at a time is signed in there; a test says who."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "segment-exports", "oidc-secret"


@dataclass
class Provider:
    """What the provider knows. ``person`` holds the claims of the user who is signed in there."""

    port: int = 0
    person: dict[str, Any] = field(default_factory=dict)
    signed_in_at: float = field(default_factory=time.time)
    refuses: bool = False
    tells_when: bool = True  # whether tokens carry auth_time
    audience: str = CLIENT_ID
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def keys(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to, with a code."""
        self.asked.append(query)
        if query.get("prompt") == "login":
            self.signed_in_at = time.time()
        if self.refuses:
            answer = {"error": "server_error", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = query
            answer = {"code": code, "state": query["state"]}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, posted: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code, once, for who knows the client's secret and the verifier; None otherwise."""
        asked = self.codes.pop(posted.get("code", ""), None)
        hashed = hashlib.sha256(posted.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
        known = (posted.get("client_id"), posted.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if asked is None or not known or asked.get("code_challenge") != challenge:
            return None
        access = secrets.token_urlsafe(16)
        self.tokens[access] = dict(self.person)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + 300, **self.person}
        if self.tells_when:
            claims["auth_time"] = int(self.signed_in_at)
        signed = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})
        return {"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": signed}


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that listens."""
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/.well-known/openid-configuration":
                self._json(provider.discovery())
            elif place.path == "/keys":
                self._json(provider.keys())
            elif place.path == "/userinfo":
                access = self.headers.get("Authorization", "").removeprefix("Bearer ")
                self._json(provider.tokens.get(access))
            elif place.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(_single(place.query)))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._json(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._json(provider.token(_single(body)))

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def _json(self, answer: dict[str, Any] | None) -> None:
            body = json.dumps(answer or {"error": "invalid_request"}).encode()
            self.send_response(200 if answer else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
