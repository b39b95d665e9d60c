"""The use cases: all that app/ and pages/ call."""
