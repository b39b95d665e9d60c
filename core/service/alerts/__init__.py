"""Alerts: rules of each reader and of the desk, what was told, and the way outside."""
