"""Plotly figures: one module a subject; each function takes frames and gives a figure."""
