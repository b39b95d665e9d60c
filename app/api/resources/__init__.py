"""The resources of the API: a module a subject, each a function over the use cases of the core."""
