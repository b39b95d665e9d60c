"""A backend for OpenBB Workspace: the desk's read-only use cases as widgets."""
