"""Run the sandbox alone, in the foreground: ``manage.py run_campaign_monitor_sandbox``."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor.sandbox import model
from connections.destinations.campaign_monitor.sandbox.server import Addresses, run
from connections.destinations.campaign_monitor.sandbox.store import FileInUse


class Command(BaseCommand):
    help = _("Run a sandbox that simulates Campaign Monitor: same paths and responses, but no email is sent.")
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8001, help=_("the HTTP port; 0 selects a free port"))
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--tls-port",
            type=int,
            default=None,
            help=_("also serve HTTPS on this port, with a generated certificate"),
        )
        parser.add_argument(
            "--latency-ms", type=float, default=0, help=_("delay every API request by this many milliseconds")
        )
        parser.add_argument("--file", type=Path, default=None, help=_("the file that stores the lists"))
        parser.add_argument(
            "--open-doors",
            action="store_true",
            help=_("allow other machines to use the control endpoints and the page Faults"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"] or settings.VAR_DIR / "sandbox" / "campaign-monitor.jsonl"
        try:
            run(
                path,
                host=options["host"],
                port=options["port"],
                tls_port=options["tls_port"],
                latency_ms=options["latency_ms"],
                open_doors=options["open_doors"],
                on_ready=self._print_addresses,
            )
        except FileInUse as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            where = f"{options['host']}:{options['port']}"
            raise CommandError(f"The sandbox cannot start on {where} with {path}: {error.strerror}.") from error

    def _print_addresses(self, addresses: Addresses) -> None:
        self.stdout.write(f"Sandbox — not Campaign Monitor — at {addresses.http}")
        if addresses.https:
            self.stdout.write(f"and at {addresses.https}, certificate {addresses.certificate}")
        self.stdout.write(f"API key {model.API_KEY}, client {model.CLIENT_ID}, list {model.LIST_ID}")
        self.stdout.flush()
