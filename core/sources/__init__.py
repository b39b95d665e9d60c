"""One module per outside world; each turns a pull window into frames of a declared schema."""
