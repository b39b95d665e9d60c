"""The use cases: all that app/ and pages/ call, a package a subject.

Importing this imports nothing. `everything` registers commands, exports, handlers and checks;
`current` is the desk of this process.
"""
