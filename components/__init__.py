"""What pages are made of: charts, tables, badges and controls."""
