"""Content generation: the product whose parts the platform's are, so that its folder holds their list alone."""
