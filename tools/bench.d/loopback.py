"""Runs a Python peer that would listen on every address: on 127.0.0.1 alone. usage: loopback.py PROGRAM ..."""

import runpy
import socket
import sys

_bind = socket.socket.bind


def _bind_here(bound: socket.socket, address: tuple[str, int]) -> None:
    _bind(bound, ("127.0.0.1", *address[1:]) if address[0] in ("", "0.0.0.0") else address)


if __name__ == "__main__":
    socket.socket.bind = _bind_here
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
