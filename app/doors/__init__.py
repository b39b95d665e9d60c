"""The doors of the desk: who knocks, how often they may, and what opens to them."""
