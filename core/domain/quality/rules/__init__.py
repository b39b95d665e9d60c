"""The rules of the filing grade that are more than an equation, by what they look at."""
