"""The record for assistants, over the Model Context Protocol (MCP).

Everything is asked of the API, within this process or of a server elsewhere: who may see what, limits, quotas and the
audit trail are what they are there, because they are those.
"""
