"""The product TEMPLATE_name: items in Postgres, an API and a page."""
