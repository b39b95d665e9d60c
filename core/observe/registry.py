"""The registry of this process's metrics."""

from prometheus_client import CollectorRegistry

REGISTRY = CollectorRegistry()
