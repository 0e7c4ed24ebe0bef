"""A Git server as forges have them: nginx with TLS, HTTP/2 and HTTP/1.1 before `git http-backend`."""

import crypt
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_port
from support.wait import wait_until

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
# How nginx hands a request on to git http-backend.
FASTCGI = """
      fastcgi_pass unix:{folder}/fcgi.sock;
      fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT {root};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_CONFIG_NOSYSTEM 1;
      fastcgi_param GIT_CONFIG_COUNT 1;
      fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
      fastcgi_param GIT_CONFIG_VALUE_0 *;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_buffering off; fastcgi_request_buffering off;
"""

_CONFIGURATION = """\
{user}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  log_format seen '$connection $server_protocol $status $request_method $uri';
  access_log {folder}/access.log seen; server_tokens off; client_max_body_size 0;
  keepalive_requests {keepalive_requests};
  server {{
    listen 127.0.0.1:{port} ssl{http2};
    ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};
    {auth}
    location / {{
      {fastcgi}
    }}
  }}
}}
"""


def available():
    """True when this machine can run the server."""
    return all(shutil.which(name, path=_PATH) for name in ("nginx", "fcgiwrap"))


@dataclass
class Seen:
    """One line of the access log."""

    connection: str
    protocol: str
    status: int
    method: str
    path: str


class NginxServer:
    """Serves the bare repositories below `root` over TLS. `credentials` are (user, password) or None. A connection is
    closed after `keepalive_requests`."""

    def __init__(self, folder, root, certificate, http2=True, credentials=None, keepalive_requests=1000):
        self.folder, self.root = Path(folder), Path(root)
        (self.folder / "tmp").mkdir(parents=True)
        self.authority = certificate.authority
        self.port = free_port()
        auth = self._write_passwords(credentials) if credentials else ""
        (self.folder / "nginx.conf").write_text(_CONFIGURATION.format(
            fastcgi=FASTCGI.format(folder=self.folder, root=root),
            folder=self.folder, port=self.port, certificate=certificate, auth=auth,
            keepalive_requests=keepalive_requests,
            http2=" http2" if http2 else "", user="user root; " if os.geteuid() == 0 else ""))
        self._processes = [self._start("fcgiwrap", "-c", "2", "-s", f"unix:{self.folder}/fcgi.sock"),
                           self._start("nginx", "-e", f"{self.folder}/error.log", "-c", f"{self.folder}/nginx.conf")]
        wait_until(self._accepts, what="nginx listening", describe=self.log)

    def url(self, repository):
        """The URL of a repository below the root."""
        return f"https://127.0.0.1:{self.port}/{Path(repository.path).relative_to(self.root)}"

    def seen(self):
        """The requests that are over, in order."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [Seen(c, protocol, int(status), method, path)
                for c, protocol, status, method, path in (line.split(" ", 4) for line in lines)]

    def log(self):
        """What the server has to complain about."""
        return "".join(path.read_text() for path in (self.folder / "error.log", self.folder / "output") if path.exists())

    def close(self):
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)

    def _start(self, name, *arguments):
        with open(self.folder / "output", "ab") as output:
            return subprocess.Popen([shutil.which(name, path=_PATH), *arguments], stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output, start_new_session=True)

    def _write_passwords(self, credentials):
        user, password = credentials
        hashed = crypt.crypt(password, crypt.mksalt(crypt.METHOD_SHA256, rounds=1000))
        (self.folder / "passwords").write_text(f"{user}:{hashed}\n")
        return f'auth_basic "git"; auth_basic_user_file {self.folder}/passwords;'

    def _accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionError:
            return False
        return (self.folder / "fcgi.sock").exists()
