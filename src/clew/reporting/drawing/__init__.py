"""Pictures of a report, worked out as plain geometry; templates write them as SVG, whose text stays text."""
