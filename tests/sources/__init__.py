"""Images as other tools really write and serve them: skopeo, buildah, podman, docker."""
