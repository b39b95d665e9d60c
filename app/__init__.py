"""Entry points: the only rooms that wire the others together."""
