"""Reports of what the record holds: gathered from a scope of collected items, drawn, and written as HTML or JSON."""
