"""Loaded by each Python that starts with this folder on PYTHONPATH: it may talk to this computer and to no other."""

import socket
import sys

_connect = socket.socket.connect


def _connect_here_only(self: socket.socket, address: object) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"a lesson tried to reach {address[0]} (port {address[1]}): lessons must run without a network")
    return _connect(self, address)


socket.socket.connect = _connect_here_only
sys.modules["rfc3987_syntax"] = None  # see conftest.py: two seconds less for each process that reads notebooks
