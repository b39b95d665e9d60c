"""The durable queue, the worker, the scheduler and the job handlers."""
