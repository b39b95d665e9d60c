"""Pure functions over Polars frames and frozen dataclasses: no I/O, no clock, no environment."""
