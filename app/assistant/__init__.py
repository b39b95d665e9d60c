"""The MCP server: the tools of the service for assistants, on stdio and at /api/mcp."""
