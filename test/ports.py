"""Ports of this machine that nobody uses."""

import contextlib
import random
import socket

# Below those that the system gives to outgoing connections: while a server is restarted, one of
# them could take its port away.
LOWEST, BEHIND = 15_000, 32_768
DICE = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """All different."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = DICE.randrange(LOWEST, BEHIND)
            one = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                ports.append(port)
        return ports


def free_port() -> int:
    return free_ports(1)[0]
