"""Uploads: files on their way into the record, received in pieces that may be days apart."""
