"""From bytes to facts: files are stored, framed into records, read by one source each, and handed to the loader."""
