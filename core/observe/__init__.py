"""Logging, metrics and health: what can be seen of the desk from outside."""
