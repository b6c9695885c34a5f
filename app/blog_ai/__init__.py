"""The product blog-ai: blog posts written on request, an API and a page on two ports of one container, and plans paid
through Stripe.
"""
