"""`python -m app COMMAND`: the command line of Openbell, which is `app.command_line`.

Ctrl-C and SIGTERM call a command off. Loading it takes a while in which nothing has begun: it then
ends with a sentence. Told a second time it ends at once, as what it was doing may hang.
"""

import os
import signal
from collections.abc import Callable

Handler = Callable[[int, object], None] | signal.Handlers
SIGNALS = (signal.SIGINT, signal.SIGTERM)
UNHEARD = (signal.default_int_handler, signal.SIG_DFL)  # else ignored, as who started us may want


def main() -> None:
    """Entry point."""
    ours = [number for number in SIGNALS if signal.getsignal(number) in UNHEARD]
    _hear(ours, _nothing_begun)
    from app import command_line

    try:
        command_line.run(lambda: _hear(ours, _call_off))
    finally:  # what the command had to say is said
        _hear(ours, signal.SIG_IGN)
        # One that was raised while a text was run, as dataclasses do, would else be the exit code.
        exec("")  # noqa: S102


def _hear(numbers: list[signal.Signals], handler: Handler) -> None:
    for number in numbers:
        signal.signal(number, handler)


def _nothing_begun(*_: object) -> None:
    os.write(2, b"called off before anything had begun\n")
    os._exit(1)  # an exception would end up in whatever is being imported


def _call_off(*_: object) -> None:
    _hear(list(SIGNALS), _at_once)
    raise KeyboardInterrupt


def _at_once(*_: object) -> None:
    os.write(2, b"ended at once; the next start undoes what was half done\n")
    os._exit(1)


if __name__ == "__main__":
    main()
