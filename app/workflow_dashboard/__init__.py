"""The product workflow-dashboard: workflows with their tasks, an API with a cached list, and a page."""
