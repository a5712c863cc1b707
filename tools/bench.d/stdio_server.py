"""A stdio server that costs next to nothing. usage: stdio_server.py SIZE"""

import os
import sys

import message


def main() -> None:
    """Answer every request until the input ends."""
    before, after = message.answer(int(sys.argv[1]), stateless=False)
    rest = b""
    while chunk := os.read(0, 1 << 18):
        *lines, rest = (rest + chunk).split(b"\n")
        answers = bytearray()
        for line in lines:
            ident = message.id_of(line)
            if ident == b"1":
                answers += message.INITIALIZE_ANSWER
            elif ident is not None:
                answers += before + ident + after + b"\n"
        write(answers)


def write(data: bytes | bytearray) -> None:
    """All of it to standard output."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
