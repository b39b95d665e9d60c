"""What is printed: sheets of headings, tables and drawings, as HTML and as PDF."""
