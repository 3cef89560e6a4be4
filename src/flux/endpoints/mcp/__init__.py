"""`POST /mcp`: tools for agents and chat apps, by the Model Context Protocol."""
