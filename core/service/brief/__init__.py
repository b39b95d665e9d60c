"""The brief of the morning: all that a reader needs before the open, gathered as one document."""
