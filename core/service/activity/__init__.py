"""What happened on the desk: events as pages, news, and what is told at a start."""
