"""A Git server as forges have them: nginx with TLS and HTTP/2 before git http-backend, on ports that the kernel chose."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

from support.certificates import make_certificate
from support.nginx_server import FASTCGI

# A file cannot be posted to; answering that refusal with the file itself makes it the answer.
_CONFIGURATION = """
{user}daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  access_log off; server_tokens off; client_max_body_size 0; keepalive_timeout 300; keepalive_requests 100000000;
  open_file_cache max=4096; open_file_cache_valid 5s; types {{ }}
  server {{
    listen 0.0.0.0:{port} ssl http2 backlog=4096;
    ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};
    ssl_session_cache shared:bench:4m; http2_max_concurrent_streams 512;
    location ~ ^/static/.*/info/refs$ {{ root {folder}; default_type application/x-git-upload-pack-advertisement; }}
    location ~ ^/static/.*/git-upload-pack$ {{
      root {folder}; default_type application/x-git-upload-pack-result; error_page 405 =200 $uri;
    }}
    location / {{ {fastcgi} }}
  }}
}}
"""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _packet(text):
    return f"{len(text) + 4:04x}{text}"


_LIST_REFS = "".join(map(_packet, ("command=ls-refs\n", "agent=bench\n", "object-format=sha1\n"))) + "0001" + "".join(
    map(_packet, ("peel\n", "symrefs\n", "ref-prefix HEAD\n", "ref-prefix refs/heads/\n", "ref-prefix refs/tags/\n"))) + "0000"


class GitServer:
    """Serves the repositories below `root` at `base`, and at other names of this machine: base_of_host()."""

    def __init__(self, folder, root):
        self._folder = folder
        (folder / "tmp").mkdir(parents=True)
        self.port = _free_port()
        certificate = make_certificate(folder / "tls", names=["*.bench.localhost"])
        self.authority = certificate.authority
        self.base = f"https://127.0.0.1:{self.port}"
        self._context = ssl.create_default_context(cafile=str(self.authority))
        fastcgi = FASTCGI.format(folder=folder, root=root)
        user = "user root; " if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(_CONFIGURATION.format(user=user, folder=folder, port=self.port, fastcgi=fastcgi,
                                                                 certificate=certificate))
        path = f"{os.environ['PATH']}:/usr/sbin"
        programs = {name: shutil.which(name, path=path) for name in ("fcgiwrap", "nginx")}
        self._processes = [self._start([programs["fcgiwrap"], "-c", "4", "-s", f"unix:{folder}/fcgi.sock"]),
                           self._start([programs["nginx"], "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"])]
        self._wait_ready()

    def _start(self, command):
        log = open(self._folder / "log", "ab")
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _wait_ready(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                if (self._folder / "fcgi.sock").exists():
                    return
            except ConnectionError:
                pass
            time.sleep(0.01)
        raise SystemExit(f"nginx does not answer: {(self._folder / 'error.log').read_text()}")

    def url(self, repository):
        return f"{self.base}/{repository.path.name}"

    def base_of_host(self, number):
        """The same server under one of many host names; names below localhost are this machine (RFC 6761)."""
        return f"https://h{number}.bench.localhost:{self.port}"

    def store_answer(self, repository):
        """Keeps what the server says about a repository, and returns the path below a base where nginx says it without Git."""
        kept = self._folder / "static" / repository.path.name
        (kept / "info").mkdir(parents=True)
        (kept / "info" / "refs").write_bytes(self._ask(self.url(repository) + "/info/refs?service=git-upload-pack"))
        (kept / "git-upload-pack").write_bytes(self._ask(self.url(repository) + "/git-upload-pack", _LIST_REFS.encode()))
        return f"/static/{repository.path.name}"

    def _ask(self, url, body=None):
        headers = {"Git-Protocol": "version=2", "Content-Type": "application/x-git-upload-pack-request"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), context=self._context) as answer:
            return answer.read()

    def close(self):
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
