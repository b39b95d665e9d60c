"""`python -m app COMMAND`: the command line of Openbell, which is `app.command_line`."""

import signal

from app import interrupts


def main() -> None:
    """Entry point. Loading takes a while in which nothing has begun."""
    ours = interrupts.ours()
    interrupts.hear(ours, interrupts.nothing_begun)
    from app import command_line

    try:
        command_line.run(lambda: interrupts.hear(ours, interrupts.call_off))
    finally:  # what the command had to say is said
        interrupts.hear(ours, signal.SIG_IGN)
        # One that was raised while a text was run, as dataclasses do, would else be the exit code.
        exec("")  # noqa: S102


if __name__ == "__main__":
    main()
