"""A certificate of our own for ``localhost``, made once and kept beside the sandbox's file."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

_DAYS = 825
_HOURS_OF_DOUBT = timedelta(hours=12)


def context(beside: Path) -> tuple[ssl.SSLContext, Path]:
    """What HTTPS is served with, and the file with the certificate that a client must trust."""
    certificate = beside.with_name(f"{beside.stem}-certificate.pem")
    key = beside.with_name(f"{beside.stem}-key.pem")
    if not (certificate.exists() and key.exists()) or _expires_soon(certificate):
        _make(certificate, key)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.minimum_version = ssl.TLSVersion.TLSv1_2
    served.load_cert_chain(certificate, key)
    return served, certificate


def _expires_soon(certificate: Path) -> bool:
    from cryptography import x509

    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return loaded.not_valid_after_utc < datetime.now(UTC) + timedelta(days=1)


def _make(certificate: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    known_as = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _HOURS_OF_DOUBT)
        .not_valid_after(moment + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private_key, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
