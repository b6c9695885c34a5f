"""Writers of texts: the embedded writer, the providers, and the rules of choosing between them."""
