"""Who acts and what they may: principals, roles, tokens."""
