"""What an honest image stays below. A hostile one is refused before it fills memory or disk."""

from __future__ import annotations

LAYERS = 512
MEMBERS = 65_536  # of a docker archive
ENTRIES = 2_000_000  # of all layers together
PATH_BYTES = 4096  # PATH_MAX
NAME_BYTES = 255  # NAME_MAX
DEPTH = 1024  # directories in a path
LAYER_BYTES = 64 << 30  # uncompressed
SPARSE_BYTES = 1 << 30  # a sparse file, holes included: it is expanded in memory
HEADER_BYTES = 4 << 20  # before one entry: PAX records, long names, maps of sparse files
EXPANSION = 1500  # uncompressed bytes for one compressed: twice what gzip reaches on zeros
METADATA_BYTES = 32 << 20  # a manifest, index or configuration
