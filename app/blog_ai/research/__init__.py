"""Web research of blog-ai: pages about a topic, found before a post is written (E14)."""
