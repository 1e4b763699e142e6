"""Free TCP ports on the loopback interface."""

import errno
import random
import socket

_LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections (32768 on Linux): a
# server that is being restarted must find its port free, and a client that knocks meanwhile must
# not be connected to itself.
_CANDIDATES = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on now, chosen at random so that neighbours rarely meet."""
    for port in random.sample(_CANDIDATES, 200):
        if is_free(port):
            return port
    raise OSError(f"no free port between {_CANDIDATES.start} and {_CANDIDATES.stop}")


def is_free(port: int, address: str = _LOOPBACK) -> bool:
    """Whether a server could listen there now. Raises OSError for an address not of this host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
