"""Pictures of a report as SVG whose text stays text: charts and map by matplotlib, relations as plain geometry."""
