"""Certificates for servers on the loopback address, made by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Certificate:
    """A server's certificate, its key, and the authority that signed it (PEM files)."""

    authority: Path
    certificate: Path
    key: Path


def make_certificate(folder, host="127.0.0.1", names=()):
    """Makes an authority of its own and a certificate it has signed for `host`, an address, and for DNS names."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority_key, request, extensions = folder / "ca.key", folder / "server.csr", folder / "server.ext"
    subjects = ",".join([f"IP:{host}", *(f"DNS:{name}" for name in names)])
    extensions.write_text(f"subjectAltName={subjects}\nbasicConstraints=CA:FALSE\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *curve, "-keyout", authority_key, "-out", made.authority, "-days", "2",
             "-subj", "/CN=refsyncd test authority")
    _openssl("req", *curve, "-keyout", made.key, "-out", request, "-subj", f"/CN={host}")
    _openssl("x509", "-req", "-in", request, "-CA", made.authority, "-CAkey", authority_key, "-CAcreateserial",
             "-out", made.certificate, "-days", "2", "-extfile", extensions)
    return made


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
