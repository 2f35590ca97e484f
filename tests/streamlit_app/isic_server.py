"""A local server that speaks the API of the ISIC Archive."""

import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit


class Archive(BaseHTTPRequestHandler):
    """Two pages of results; photos are their own path as bytes, or `photo` if that is set.

    What the server holds: of `pages`, `of_lesion` and `following` it makes its answers, of no other
    question than one with the word `asked_for`; `broken` and `moved` are paths with another answer
    or address; so many photos are `failing` first.
    """

    def do_GET(self):
        parts = urlsplit(self.path)
        self.server.asked.append((parts.path, parse_qs(parts.query)))
        if parts.path in self.server.broken:
            status, body = self.server.broken[parts.path]
        elif parts.path in self.server.moved:
            status, body = 302, b""
        elif parts.path.endswith(".jpg") and self.server.failing:
            self.server.failing -= 1
            status, body = 503, b""
        elif "lesion_id:" in parts.query or "lesion_id%3A" in parts.query:
            page = {"results": self.server.of_lesion[self.lesion(parts.query)], "next": None}
            status, body = 200, json.dumps(page).encode()
        elif parts.path == "/images/search/" and self.server.asked_for not in parts.query:
            status, body = 200, b'{"results": [], "next": null}'
        elif parts.path == "/images/search/":
            second = "cursor" in parts.query
            status, body = 200, json.dumps(self.page(second)).encode()
        else:
            status, body = 200, self.server.photo or parts.path.encode()
        self.send_response(status)
        if parts.path in self.server.moved:
            self.send_header("Location", self.server.moved[parts.path])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def lesion(self, query):
        """The name of the lesion that a query asks for."""
        return parse_qs(query)["query"][0].split('"')[1]

    def page(self, second):
        host = f"http://127.0.0.1:{self.server.server_port}"
        results = self.server.pages[second]
        for result in results:
            result["files"] = {"full": {"url": f"{host}/{result['isic_id']}.jpg", "size": 12}}
        following = f"{host}/images/search/?cursor=2" if not second else None
        return {"results": results, "next": self.server.following or following}

    def log_message(self, *_):
        pass


def result(number, licence="CC-0", kind="dermoscopic", **clinical):
    return {
        "isic_id": f"ISIC_{number}",
        "copyright_license": licence,
        "attribution": f"Clinic {number}",
        "metadata": {"acquisition": {"image_type": kind}, "clinical": clinical},
    }
