"""Dockerfiles as sources: which references mean one (`wanted`), what it says by line (`reading`),
and the image that an engine of this machine builds from it (`build`).
"""
