"""The least that can stand between a client and a stdio server: bytes copied both ways. usage: stdio_pump.py COMMAND"""

import os
import subprocess
import sys
import threading


def copy(source: int, sink: int) -> None:
    """Copy until the source ends, then close the sink."""
    try:
        while chunk := os.read(source, 1 << 18):
            view = memoryview(chunk)
            while view:
                view = view[os.write(sink, view) :]
    except OSError:
        pass
    os.close(sink)


def main() -> None:
    """Two threads, because one that blocks in a write must not stop the other direction."""
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        up = threading.Thread(target=copy, args=(0, os.dup(server.stdin.fileno())), daemon=True)
        server.stdin.close()
        up.start()
        copy(server.stdout.fileno(), 1)


if __name__ == "__main__":
    main()
