"""`pulumi-resource-aws`, run as `python -m localcloud.aws.provider`: what the table of types needs around it.

One process serves every region, as the official provider does since its version 7: the region is an input of each
resource, filled in from the provider's configuration.
"""

from __future__ import annotations
