#!/usr/bin/env python3
"""Puts layers and a configuration together to an image archive, as `ctr images import` reads them.

    oci.py ARCHIVE NAME CONFIG LAYER...

CONFIG is what the image specification calls `config`, as JSON (`{"Cmd": [...], "User": "185"}`).
Layers are tar files, the lowest first. <https://github.com/opencontainers/image-spec>
"""

import hashlib
import io
import json
import platform
import sys
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Archive:
    """An OCI layout in a tar file; blobs are named by what they hold."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w")
        self.names = set()

    def add(self, name, size, content):
        if name not in self.names:
            self.names.add(name)
            member = tarfile.TarInfo(name)
            member.size = size
            self.tar.addfile(member, content)

    def text(self, name, value):
        self.add(name, len(value), io.BytesIO(value))

    def blob(self, kind, value):
        digest = hashlib.sha256(value).hexdigest()
        self.text("blobs/sha256/" + digest, value)
        return descriptor(kind, digest, len(value))

    def layer(self, path):
        with open(path, "rb") as file:
            hashed = hashlib.sha256()
            while part := file.read(1 << 20):
                hashed.update(part)
            digest, size = hashed.hexdigest(), file.tell()
            file.seek(0)
            self.add("blobs/sha256/" + digest, size, file)
        return descriptor("application/vnd.oci.image.layer.v1.tar", digest, size)


def descriptor(kind, digest, size):
    return {"mediaType": kind, "digest": "sha256:" + digest, "size": size}


def encoded(value):
    return json.dumps(value, sort_keys=True).encode()


def main(path, name, config, layers, architecture):
    archive = Archive(path)
    archive.text("oci-layout", encoded({"imageLayoutVersion": "1.0.0"}))
    layers = [archive.layer(layer) for layer in layers]
    image = {
        "architecture": architecture,
        "os": "linux",
        "config": json.loads(config),
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": archive.blob("application/vnd.oci.image.config.v1+json", encoded(image)),
        "layers": layers,
    }
    entry = archive.blob(MANIFEST, encoded(manifest))
    entry["annotations"] = {"io.containerd.image.name": name}
    entry["platform"] = {"architecture": architecture, "os": "linux"}
    archive.text("index.json", encoded({"schemaVersion": 2, "manifests": [entry]}))
    archive.tar.close()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:], ARCHITECTURES[platform.machine()])
