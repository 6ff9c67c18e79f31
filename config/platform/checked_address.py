"""Connect to the checked address of a server instead of resolving its name again, by an adapter for requests."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter


class CheckedAddress(HTTPAdapter):
    """Connects to a checked address instead of resolving the name again, and verifies the certificate of the
    name."""

    def __init__(self, name: str, address: str) -> None:
        self._name, self._address = name, address
        super().__init__()

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return a connection to the address."""
        host, given = self.build_connection_pool_key_attributes(request, verify, cert)
        options: dict[str, Any] = {**given}
        if host["scheme"] == "https":
            options |= {"server_hostname": self._name, "assert_hostname": self._name}
        return self.poolmanager.connection_from_host(
            self._address, host["port"], host["scheme"], pool_kwargs=options
        )
