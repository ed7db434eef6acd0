"""Address formats of cryptocurrencies, one module per family; each reader verifies the checksum.

A reader returns None for text of another shape and raises InvalidValueError for its own shape with a wrong checksum.
"""
