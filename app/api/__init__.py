"""The JSON API of the desk: health, metrics, commands and exports, under /api."""
