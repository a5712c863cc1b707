"""Processes that go on from where their parent stands, with all that it has loaded.

The parent must have neither threads nor an event loop.
"""

import atexit
import os
import signal
import sys
import traceback
from collections.abc import Callable

from interpose.core.errors import EndError, InterposeError

_DEFAULT = (signal.SIGTERM, signal.SIGCHLD)
_PARENTS = (signal.SIGINT, signal.SIGHUP)  # a terminal sends them to all of us; the parent says what follows
Say = Callable[[str], None]


def fork(run: Callable[[], int], say: Say) -> int:
    """Start a process that ends with the status that `run` returns. Returns its id."""
    pid = os.fork()
    if pid:
        return pid
    status = EndError.exit_code
    try:
        atexit._clear()
        signal.set_wakeup_fd(-1)
        for number in _DEFAULT:
            signal.signal(number, signal.SIG_DFL)
        for number in _PARENTS:
            signal.signal(number, _nothing)  # a handler, not SIG_IGN: commands that we start would inherit that
        status = run()
        atexit._run_exitfuncs()
    except InterposeError as error:
        say(str(error))
        status = error.exit_code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def attempt(run: Callable[[], None], say: Say) -> int:
    """Do in a process of its own what would leave threads behind. Returns its exit status."""

    def tried() -> int:
        run()
        return 0

    _, status = os.waitpid(fork(tried, say), 0)
    return exit_status(status)


def exit_status(status: int) -> int:
    """Of what `waitpid` says: the exit status; below 0, which signal ended it."""
    return os.waitstatus_to_exitcode(status)


def _nothing(number: int, frame: object) -> None:
    """Leave it to the parent."""
