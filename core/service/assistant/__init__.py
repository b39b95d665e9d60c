"""What an assistant may ask: read-only tools whose answers say what they rest on, or refuse."""
