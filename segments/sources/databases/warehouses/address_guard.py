"""Let this process connect only to the addresses that were checked before, whatever a driver or a server wants.

Drivers resolve names themselves, follow redirects, and fetch results from addresses that the server names. So
names mean their checked addresses here, and every other connection of Python is refused, as is another process,
which would have no such limit. Connections of compiled libraries are not seen. Imports nothing of this project.
"""

import ipaddress
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
_STARTING = (
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
_RESOLVING = ("socket.gethostbyname", "socket.gethostbyaddr")
_Found = list[tuple[Any, ...]]


class AddressRefused(PermissionError):
    """A driver wanted to connect to an address that was not checked."""

    def __init__(self, target: object) -> None:
        super().__init__(f'connection to "{target}" is not allowed')


class ProcessRefused(PermissionError):
    """A driver wanted to start another process."""

    def __init__(self) -> None:
        super().__init__("starting a process is not allowed")


def allow_only(hosts: Mapping[str, Sequence[str]], port: int, suffixes: Sequence[str] = ()) -> None:
    """Refuse all connections of this process but those to ``port`` at the addresses of ``hosts``, and at public
    addresses of hosts that end with one of ``suffixes``, and other processes. It cannot be undone."""
    guard = _Guard({_plain(name): list(addresses) for name, addresses in hosts.items()}, port, suffixes)
    socket.getaddrinfo = guard.resolve
    sys.addaudithook(guard.check)


class _Guard:
    def __init__(self, hosts: dict[str, list[str]], port: int, suffixes: Sequence[str]) -> None:
        self._hosts, self._port, self._suffixes = hosts, port, tuple(suffixes)
        self._addresses = {address for addresses in hosts.values() for address in addresses}
        self._resolve = socket.getaddrinfo

    def resolve(  # noqa: PLR0917 - the form of the function that it replaces
        self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> _Found:
        """Return the checked addresses of a host in the form of ``socket.getaddrinfo``."""
        name = _plain(host.decode() if isinstance(host, bytes) else str(host))
        found: _Found = []
        for address in self._addresses_of(name):
            if family in (0, socket.AF_INET6 if ":" in address else socket.AF_INET):
                found += self._resolve(address, port, family, type, proto, socket.AI_NUMERICHOST)
        if not found:
            raise AddressRefused(name)
        return found

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise AddressRefused before a connection to an address that was not checked, and ProcessRefused before
        another process is started: an audit hook of Python."""
        if event in _STARTING:
            raise ProcessRefused
        if event in _RESOLVING:
            raise AddressRefused(arguments[0])
        if event in _CONNECTING and (target := arguments[1]) is not None:  # None: where it is connected to
            is_checked = isinstance(target, tuple) and target[0] in self._addresses and target[1] == self._port
            if not is_checked:
                raise AddressRefused(target[0] if isinstance(target, tuple) else "a local socket")

    def _addresses_of(self, name: str) -> list[str]:
        if name in self._hosts or not name.endswith(self._suffixes):
            return self._hosts.get(name, [])
        found = self._resolve(name, None, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        self._hosts[name] = [each for each in addresses if _is_public(each)]
        self._addresses |= set(self._hosts[name])
        return self._hosts[name]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address.version == 4 and address.is_global and not address.is_multicast


def _plain(name: str) -> str:
    return name.rstrip(".").casefold()
