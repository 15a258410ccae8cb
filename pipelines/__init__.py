"""The shared pipeline layer: a request in, pictures out."""
