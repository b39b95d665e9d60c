"""The durable queue: its port, and the one in a SQLite file."""
