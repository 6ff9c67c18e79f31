"""Resolve the host of an address that a user enters, and refuse internal targets unless a setting lists them.

Connect to the addresses that ``resolve_host`` returns, not to the name: it could mean another address by then.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.utils.translation import gettext as _

# Ranges that lead to IPv4 addresses: NAT64, 6to4, Teredo.
_TRANSLATED: Final = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
_Address = IPv4Address | IPv6Address


class HostRefused(Exception):
    """A host cannot be used; the message says why, for users."""


def resolve_host(host: str, *, allowed: Sequence[str], setting: str) -> list[str]:
    """Return the addresses of a host, IPv4 first. ``allowed`` has names of hosts, addresses and networks that may
    be internal; ``setting`` is the name of the setting that it comes from.

    Raises HostRefused when the name cannot be resolved, or when one of its addresses is internal (loopback,
    private, link-local, metadata services) and not allowed."""
    name = _plain(host.strip())
    addresses = _addresses(name, host)
    if name not in set(map(_plain, allowed)):
        networks = _networks(allowed)
        for address in addresses:
            if _is_internal(address) and not any(address in network for network in networks):
                raise HostRefused(
                    _(
                        "“%(host)s” is in an internal network. To allow it, a server "
                        "administrator has to add it to the setting %(setting)s."
                    )
                    % {"host": host, "setting": setting}
                )
    return [str(address) for address in sorted(addresses, key=lambda each: each.version)]


def _plain(name: str) -> str:
    """Return a name in the form that the DNS has, such as xn--bcher-kva.example.com of bücher.example.com."""
    plain = name.rstrip(".").casefold()
    try:
        return plain.encode("idna").decode()
    except UnicodeError:  # it is no valid name, or a network
        return plain


def _addresses(name: str, shown: str) -> list[_Address]:
    if not name or any(sign in name for sign in "/\\,@ \0"):
        raise HostRefused(_("“%(host)s” is not a valid host name.") % {"host": shown})
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostRefused(
            _("The host name “%(host)s” cannot be resolved. Check the spelling.") % {"host": shown}
        ) from error
    addresses = [_unmapped(ip_address(str(address[0]).partition("%")[0])) for *_kinds, address in found]
    return list(dict.fromkeys(addresses))


def _unmapped(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address stands for, such as ::ffff:127.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_internal(address: _Address) -> bool:
    is_translated = any(address in network for network in _TRANSLATED)
    return not address.is_global or address.is_multicast or is_translated


def _networks(words: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    found: list[IPv4Network | IPv6Network] = []
    for word in words:
        try:
            found.append(ip_network(word, strict=False))
        except ValueError:  # the name of a host
            continue
    return found
