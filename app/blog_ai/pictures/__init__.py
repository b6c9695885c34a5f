"""Header pictures of blog-ai's posts (E14)."""
