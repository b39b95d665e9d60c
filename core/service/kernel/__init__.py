"""Registries of commands, exports and job handlers, and the port of the desk they need."""
