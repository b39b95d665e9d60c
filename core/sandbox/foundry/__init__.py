"""A stand-in Foundry container on the real wire, with faults at will."""
