"""The risk of a book: positions, exposure, measures, and the verdict of the limits."""
