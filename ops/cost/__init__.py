"""What a stack costs a month, by a price table in the repository and assumptions that are said."""
