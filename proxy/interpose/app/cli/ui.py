"""`interpose ui`: the page without a run: recordings to look into, also those that another interpose still writes."""

import signal
import webbrowser
from pathlib import Path

import anyio
import click

from interpose.app import console
from interpose.core.errors import UsageError

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@click.command("ui")
@click.argument("paths", metavar="DIR|FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:0", help="Where the page is; this machine only.")
@click.option("--open", "browse", is_flag=True, help="Open it in a browser, too.")
def command(paths: tuple[str, ...], listen: str, browse: bool) -> int:
    """Look into recordings in a browser: open, search, compare, rehearse, export. Ctrl-C ends it.

    The address on standard error lets one browser in. Sessions that are still being recorded are shown as they go on.

    Prints nothing; the address is told on standard error.

    \b
    Exit codes: 0 fine, 2 a recording or a folder is not there.

    \b
    Examples:
      interpose ui recordings
      interpose ui session.jsonl --listen 127.0.0.1:8901 --open
    """
    found = [Path(path) for path in paths]
    for path in found:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    anyio.run(_serve, found, listen, browse)
    return 0


async def _serve(paths: list[Path], listen: str, browse: bool) -> None:
    from interpose.app.web.hub import ALONE, Hub
    from interpose.app.web.server import own_address, serving

    where, hub = own_address(listen, "--listen"), Hub(pace=ALONE)
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        async with serving(hub, None, paths, where, console.say) as url:
            for path in paths:
                if path.is_file():
                    hub.open(path.resolve())
            if browse:
                webbrowser.open(url)
            async for _ in signals:
                break
