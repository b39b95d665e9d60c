"""A stand-in SEC over simulated companies or captured files."""
