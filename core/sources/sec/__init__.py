"""The client of the SEC: documents, bulk files, and how they become frames."""
