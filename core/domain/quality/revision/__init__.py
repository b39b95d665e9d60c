"""Revision risk: how likely later reports tell a report's figures otherwise."""
