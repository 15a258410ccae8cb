"""Model families: what differs between SD 1.x and the others."""
