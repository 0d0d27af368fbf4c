#!/usr/bin/env python3
"""Servers that break off, stall, lie or change the file: what `bred dataset fetch` keeps is whole, or nothing.

    python3 experiments/torture/downloads.py --seed 1 --count 200

Each trial draws how a server on 127.0.0.1 behaves in up to six connections: it cuts, claims a wrong length, sends
no length, a page, an error, the wrong part, a part of another version, or only what it should. Commands are given
until one succeeds, at most three. A file that is accepted must be, byte for byte, one of the versions that the
server had. A server that gives two versions one entity tag is not tried: nothing could tell.
"""
import http.server
import os
import random
import subprocess
import sys
import threading

from common import Campaign, Loss, begin, parser, run

NAME, FILE = "hopper-random-v1", "hopper_random-v1.hdf5"
PAGE = b"<html><body>Please log in to this network.</body></html>"
KINDS = ["good", "cut", "cut", "cut", "claims more", "claims less", "no length", "page", "error", "wrong part", "change",
         "change silently", "ignores if-range"]


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, versions, draw):
        super().__init__(("127.0.0.1", 0), Handler)
        self.versions, self.version, self.draw = versions, 0, draw
        self.kinds = [draw.choice(KINDS) for _ in range(draw.randrange(1, 7))]
        self.tagged = draw.random() < 0.6
        self.silent = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_GET(self):
        server, draw = self.server, self.server.draw
        kind = server.kinds.pop(0) if server.kinds else "good"
        self.close_connection = True
        if kind == "error":
            return self.answer(draw.choice([403, 404, 500, 503]), b"", 0, {})
        if kind == "page":
            return self.answer(200, PAGE, len(PAGE), {"Content-Type": "text/html"})
        if kind.startswith("change"):
            server.version = (server.version + 1) % len(server.versions)
        body, tag = server.versions[server.version], f'"{server.version}"'
        headers = {"ETag": tag} if server.tagged and kind != "change silently" else {}
        status, wanted = 200, self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if wanted and (condition in (None, tag) or kind == "ignores if-range"):
            if kind == "ignores if-range":
                server.version = (server.version + 1) % len(server.versions)
                body = server.versions[server.version]
                headers = {"ETag": f'"{server.version}"'} if server.tagged else {}
            first = int(wanted[len("bytes="):].rstrip("-"))
            if first >= len(body):
                return self.answer(416, b"", 0, {"Content-Range": f"bytes */{len(body)}"})
            if kind == "wrong part":
                first = draw.randrange(len(body))
            status = 206
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            body = body[first:]
        length = len(body)
        if kind == "cut":
            body = body[:draw.randrange(len(body) + 1)]
        elif kind == "claims more":
            length += draw.randrange(1, 5000)
        elif kind == "claims less":
            length -= draw.randrange(1, max(2, length))
        elif kind == "no length":
            length, body = None, body[:draw.randrange(len(body) + 1)]
        self.answer(status, body, length, headers)

    def answer(self, status, body, length, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass


def one(arguments, versions, draw, directory):
    os.makedirs(directory)
    server = Server(versions, draw)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {"D4RL_DATASET_DIR": directory, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    command = [arguments.bred, "dataset", "fetch", NAME, "--quiet", "--url", f"http://127.0.0.1:{server.server_port}"]
    path, refusals, kinds = f"{directory}/{FILE}", 0, list(server.kinds)
    try:
        for _ in range(3):
            status, errors = run(command, environment)
            if status == 0:
                break
            refusals += 1
            lines = errors.strip().splitlines()
            if status != 1 or len(lines) != 1 or not lines[0].startswith("error: "):
                raise Loss(f"{kinds}: status {status}: {errors}")
            if os.path.exists(path):
                raise Loss(f"{kinds}: refused, but the file is there")
    finally:
        server.shutdown()
        server.server_close()
    if status:
        return "refused"
    with open(path, "rb") as file:
        found = file.read()
    if found not in versions:
        raise Loss(f"{kinds}: what was accepted is none of the server's files")
    left = sorted(os.listdir(directory))
    if left != [FILE, f"{FILE}.json"]:
        raise Loss(f"{kinds}: left behind: {left}")
    return "whole at once" if not refusals else "whole after refusals"


def dataset(arguments, seed):
    path = f"{arguments.output}/{seed}.hdf5"
    result = subprocess.run([arguments.bred, "dataset", "collect", "--env", "hopper", "--random", "--steps", "300",
                             "--seed", str(seed), "--output", path, "--quiet", "--threads", "1"])
    if result.returncode:
        sys.exit("downloads: no dataset to serve")
    with open(path, "rb") as file:
        return file.read()


def main():
    arguments = begin(parser(__doc__, 200, "downloads").parse_args())
    versions = [dataset(arguments, seed) for seed in (1, 2, 3)]
    campaign = Campaign("downloads", arguments, arguments.count)
    for index in range(arguments.count):
        draw = random.Random(f"{arguments.seed}/{index}")
        campaign.trial(f"trial {index}", lambda directory: one(arguments, versions, draw, directory))
    campaign.end()


if __name__ == "__main__":
    main()
