"""Makes the golden captures of this folder anew: `PYTHONPATH=. python tests/corpus/import/rerecord.py NAME MITMDUMP`.

Real peers talk through mitmproxy and then through interpose, so that both tell of the same traffic: NAME.flow and
NAME.har are mitmproxy's word, NAME.jsonl is interpose's. The credential that mitmproxy plants is nobody's.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.real.conftest import free_port, run_client, serving, spawned, wait_until
from tests.real.test_transparency import relaying
from tests.real.world import CLIENTS, SERVERS, Transport

HERE = Path(__file__).parent
STATEFUL = ("hello", "list_tools", "call_echo", "progress", "sampling", "form_accept", "roots", "concurrent")
STATELESS = ("hello", "list_tools", "call_echo", "progress", "sampling", "form_accept", "roots")
SCENES: dict[str, tuple[str, Transport, tuple[str, ...]]] = {
    "stateful": ("2025-11-25", "http", STATEFUL),
    "stateless": ("2026-07-28", "http", STATELESS),
    "legacy": ("2025-06-18", "sse", ("hello", "call_echo", "progress", "sampling", "roots")),
    "short": ("2025-11-25", "http", ("hello", "call_echo")),
}
# As it comes, mitmproxy holds a stream back until it is whole; told to stream, it keeps nothing of it. So: both.
ADDON = """
def responseheaders(flow):
    if "event-stream" in flow.response.headers.get("content-type", ""):
        flow.metadata["kept"] = []
        flow.response.stream = lambda data: flow.metadata["kept"].append(data) or data


def response(flow):
    if (kept := flow.metadata.pop("kept", None)) is not None:
        flow.response.raw_content = b"".join(kept)


error = response
"""


def main(name: str, mitmdump: str) -> None:
    era, transport, steps = SCENES[name.partition("-")[0]]
    server, client = SERVERS["py"], CLIENTS["py"]
    with tempfile.TemporaryDirectory() as kept:
        folder, port = Path(kept), free_port()
        addon = folder / "addon.py"
        addon.write_text(ADDON)
        for old in HERE.glob(f"{name}.*"):
            old.unlink()
        with (
            serving(server, transport, folder / "server.log") as behind,
            relaying(server.url(transport, behind), folder / "recordings", folder / "interpose.log") as front,
        ):
            command = [mitmdump, "--listen-host", "127.0.0.1", "--listen-port", str(port), "-s", str(addon)]
            command += ["--mode", f"reverse:http://127.0.0.1:{front}", "-w", str(HERE / f"{name}.flow")]
            command += ["--set", f"hardump={HERE / f'{name}.har'}"]
            command += ["--set", "modify_headers=/~q/Authorization/Bearer PLANTED-credential"]
            log = folder / "mitmdump.log"
            with (
                log.open("wb") as sink,
                spawned(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink) as process,
            ):
                wait_until(lambda: re.search(rb"listening at", log.read_bytes()), process)
                flag = "--sse" if transport == "sse" else "--url"
                target = [flag, server.url(transport, port)]
                played = run_client(client, client.run_command(era, steps, target), folder / "client.log")
                print(played)
        for number, recording in enumerate(sorted((folder / "recordings").iterdir()), 1):
            suffix = "" if number == 1 else f".{number}"
            (HERE / f"{name}{suffix}.jsonl").write_bytes(recording.read_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
