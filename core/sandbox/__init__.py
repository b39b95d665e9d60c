"""Stand-in upstreams that speak the real wire protocols on loopback."""
