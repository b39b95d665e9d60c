"""One thin file a page; each calls the service and draws parts."""
