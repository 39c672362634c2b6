"""TasksFunction: the task list, as MCP tools for the assistant and as REST for the page."""
