"""The engine of Openbell: it knows no screen and no command line."""

__version__ = "0.2.0.dev0"
