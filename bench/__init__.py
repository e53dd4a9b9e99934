"""Every number the docs quote is measured here: `make bench`."""
