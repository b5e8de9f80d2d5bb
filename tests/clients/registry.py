"""A registry on loopback that has only the packages of a folder: what `npx` does before a release can be seen."""

import base64
import hashlib
import json
import pathlib
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve(folder: pathlib.Path) -> tuple[str, list[str]]:
    """Returns the address, and the list of what is asked for, which grows."""
    documents: dict[str, dict] = {}
    asked: list[str] = []
    for path in folder.glob("*.tgz"):
        with tarfile.open(path) as packed:
            package = json.load(packed.extractfile("package/package.json"))
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        documents[package["name"]] = {**package, "dist": {"tarball": path.name, "integrity": integrity}}

    class Registry(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.strip("/")
            asked.append(name)
            if name in documents:
                package = documents[name]
                here = {**package, "dist": {**package["dist"], "tarball": f"{address}/{package['dist']['tarball']}"}}
                body = json.dumps({"name": name, "dist-tags": {"latest": package["version"]},
                                   "versions": {package["version"]: here}}).encode()
            elif name in {document["dist"]["tarball"] for document in documents.values()}:
                body = (folder / name).read_bytes()
            else:
                body = None
            self.send_response(200 if body else 404)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return address, asked
