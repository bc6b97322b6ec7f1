"""The floor of any fan-out: one finished frame written to many sockets by a C loop of ``send()``.

Without a C compiler it is a loop of ``socket.send``, and its name says so.
"""

import ctypes
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from server.live.protocol import GridSocket

SOURCE = """
#include <sys/socket.h>
int fan_out(const int *sockets, int count, const char *frame, int length) {
    int short_sends = 0;
    for (int i = 0; i < count; i++)
        if (send(sockets[i], frame, length, MSG_NOSIGNAL) != length) short_sends++;
    return short_sends;
}
"""


class CSend:
    """The C loop, over the sockets of the transports."""

    def __init__(self, sockets: Sequence[GridSocket], folder: Path) -> None:
        self._raw = [each.transport.get_extra_info("socket") for each in sockets]
        self.name = "socket.send (no C compiler)"
        self._library: ctypes.CDLL | None = None
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler:
            source, library = folder / "floor.c", folder / "floor.so"
            source.write_text(SOURCE)
            subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
            self._library = ctypes.CDLL(str(library))
            self.name = "C send()"
        self._numbers = (ctypes.c_int * len(sockets))(*(each.fileno() for each in self._raw))

    def send(self, frame: bytes) -> None:
        if self._library is not None:
            assert self._library.fan_out(self._numbers, len(self._raw), frame, len(frame)) == 0
        else:
            for number in self._numbers:
                socket.socket(fileno=socket.dup(number)).send(frame)
