"""Who writes the text: the embedded writer, the providers, and the rules of choosing between them."""
