"""From rows of the record to the documents of the search view."""
