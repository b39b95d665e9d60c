"""Many desks on one store: the engine that leads, and how it does what the others ask for."""
