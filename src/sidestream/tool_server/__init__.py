"""What a domain's function is made of, whatever the domain: its tools over MCP, its routes over
REST, and the manners of both, as one ASGI app and as a Lambda handler.

A domain declares a `ToolServer` in its `tools` module and hands it to `create_app`.
"""
