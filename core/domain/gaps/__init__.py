"""Opening gaps: measured, judged, flagged, scored, and what became of them."""
