"""The grade of a filing: the rules, what they judge, and how the score is made."""
