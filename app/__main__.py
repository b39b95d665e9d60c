"""`python -m app COMMAND`: the command line of Openbell, which is `app.command_line`.

Loading it takes a while in which nothing has begun: Ctrl-C then ends it with a sentence.
"""

import os
import signal


def main() -> None:
    """Entry point."""
    ends = signal.getsignal(signal.SIGINT)
    if ends is signal.default_int_handler:  # and not ignored, as whoever started us may want
        signal.signal(signal.SIGINT, _nothing_begun)
    from app import command_line

    command_line.run(lambda: signal.signal(signal.SIGINT, ends))


def _nothing_begun(*_: object) -> None:
    os.write(2, b"called off before anything had begun\n")
    os._exit(1)  # an exception would end up in whatever is being imported


if __name__ == "__main__":
    main()
