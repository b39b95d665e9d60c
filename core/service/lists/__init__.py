"""What readers keep of names: lists of symbols, marks for a day, and notes."""
