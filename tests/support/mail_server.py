"""A real SMTP server and a real receiver of webhooks, in threads, with what arrived."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.test import override_settings

from tests.support.workers import free_port


@dataclass
class Postbox:
    """What a mail server has taken. ``answer`` is what it says to the next mails; empty takes them."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    answer: str = ""
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 No such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        self.mails.append(message_from_bytes(content, _class=EmailMessage, policy=policy.default))
        return "250 OK"

    @property
    def told(self) -> list[tuple[str, str]]:
        """List recipients and subjects, in the order of arrival."""
        return [(str(mail["To"]), str(mail["Subject"])) for mail in self.mails]


@contextmanager
def mail_server(port: int = 0) -> Iterator[Postbox]:
    """A server on a free port, and settings that send mail to it."""
    postbox = Postbox(port or free_port())
    controller = Controller(postbox, hostname="127.0.0.1", port=postbox.port)
    controller.start()
    try:
        with mail_sent_to(postbox.port):
            yield postbox
    finally:
        controller.stop()


@contextmanager
def mail_sent_to(port: int) -> Iterator[None]:
    """Settings that send mail there, whether a server listens or not."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    with override_settings(MAIL_CONFIGURED=True, EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port):
        yield


@dataclass
class Hook:
    """What a receiver of webhooks was told. It answers with ``status``."""

    url: str
    posts: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    location: str = ""

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.posts]


@contextmanager
def webhook_receiver(secret: str = "") -> Iterator[Hook]:
    """A receiver on a free port, and settings that tell it."""
    port = free_port()
    hook = Hook(f"http://127.0.0.1:{port}/told")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts.append((dict(self.headers.items()), body))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.end_headers()

        def do_GET(self) -> None:
            hook.posts.append((dict(self.headers.items()), b'"followed"'))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, name="webhook-receiver")
    thread.start()
    try:
        with override_settings(WEBHOOK_URL=hook.url, WEBHOOK_SECRET=secret):
            yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
