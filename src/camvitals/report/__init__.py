"""Reports as JSON, CSV, terminal tables and pages."""
