"""Runs the original daemon as if this machine had no network but its loopback device.

1.1.1 asks a public STUN server at every WebRTC attempt, looks its own address up in the route to a public one and then
announces it to local peers, although it listens on 127.0.0.1 only. Without a route it does neither: the address comes
out as 127.0.0.1. Nothing else of the program is changed. Used as `python on_loopback.py`, with 1.1.1 installed.
"""

from __future__ import annotations

import errno
import ipaddress
import runpy
import socket
import sys
from collections.abc import Callable
from typing import Any


def is_near(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """A socket method whose last argument is an address."""

    def call(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if isinstance(address, tuple) and not is_near(address[0]):
            raise OSError(errno.ENETUNREACH, "only the loopback device is up", str(address[0]))
        return method(self, *arguments)

    return call


def near_names_only(lookup: Callable[..., Any]) -> Callable[..., Any]:
    """A look-up that finds local names only."""

    def call(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not is_near(name):
            raise socket.gaierror(socket.EAI_NONAME, "only the loopback device is up")
        return lookup(host, *arguments, **options)

    return call


def stay_near() -> None:
    """Refuses every address and name that is not of this machine's loopback device."""
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, near_names_only(getattr(socket, name)))


def main() -> None:
    stay_near()

    # WebRTC looks for addresses itself, and leaves loopback ones out.
    import aioice.ice  # type: ignore[import-not-found]

    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []

    # The original sees its own command line, and none of the modules of this folder.
    sys.argv = ["darkmatter"]
    sys.path.pop(0)
    runpy.run_module("darkmatter", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
