"""dock2uk: container images in, unikernels and their security difference out."""

__version__ = "0.1.0"
