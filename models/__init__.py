"""Weights to modules: what lies on disk, what it is, and how it is loaded.

Importing the package forbids diffusers to run code that comes with a model (S7): no loader here
asks for it, and none that a library might call for us shall. The variable is read when diffusers is
imported, which only happens below this package.
"""

import os

os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"
