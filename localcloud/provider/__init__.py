"""Base of every provider process of ours: the wire format, the declaration of a resource type, the gRPC server.

A Pulumi provider is a process the engine starts and drives over gRPC. Where the official plugins cannot be fetched, a
provider of ours stands in for exactly the resource types the program declares; `localcloud.aws` and `localcloud.random`
are tables of such types, and this package is the machinery beneath them.
"""
