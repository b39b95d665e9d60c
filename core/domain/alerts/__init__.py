"""Alerts: which events are told to whom, where, and when."""
