"""The client of the Foundry container: exchange, download, and the source made of it."""
