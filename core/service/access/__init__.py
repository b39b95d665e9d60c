"""Use cases of access: people, tokens, sessions, and who did what."""
