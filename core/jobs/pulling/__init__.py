"""Jobs that pull: from a source into the store, with progress, in one transaction."""
