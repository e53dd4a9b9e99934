"""Minutes of load on real servers, and comparisons that take as long; run by `make soak`."""
