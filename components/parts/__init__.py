"""The parts of pages, one module a page or a large part of one."""
