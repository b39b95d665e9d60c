"""Care of the data and the desk: backup, restore, health, the morning, preferences."""
