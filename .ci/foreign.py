"""A small PKI made with `cryptography` and documents signed by pyHanko: earlier signatures, and a check of the checkers."""
import datetime
import io
import logging

from asn1crypto import keys, x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

logging.disable(logging.CRITICAL)
DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "ES"), x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False))
    for extension, critical in extensions:
        made = made.add_extension(extension, critical)
    return made.sign(issuer_key, hashes.SHA256())


def usage(**bits):
    every = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                           "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**every | bits), True


def der(thing):
    return thing.public_bytes(serialization.Encoding.DER)


class Pki:
    """Root, signer and TSA; `folder` gets root.pem, root.crl, and signer.p12 and tsa.p12 with the passphrase `test`."""

    def __init__(self, folder):
        key = lambda: rsa.generate_private_key(65537, 2048)  # noqa: E731
        root_key, signer_key, tsa_key = key(), key(), key()
        root = certificate("Ajena Raiz", root_key, "Ajena Raiz", root_key, [
            (x509.BasicConstraints(True, None), True), usage(key_cert_sign=True, crl_sign=True)])
        signer = certificate("Firmante ajeno", signer_key, "Ajena Raiz", root_key, [
            usage(digital_signature=True, content_commitment=True)])
        tsa = certificate("Sello de tiempo ajeno", tsa_key, "Ajena Raiz", root_key, [
            usage(digital_signature=True), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)])
        now = datetime.datetime.now(datetime.timezone.utc)
        crl = (x509.CertificateRevocationListBuilder().issuer_name(name("Ajena Raiz")).last_update(now - DAY)
               .next_update(now + 7 * DAY).add_extension(x509.CRLNumber(1), False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
               .sign(root_key, hashes.SHA256()))
        (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (folder / "root.crl").write_bytes(der(crl))
        self.root_pem, self.crl = folder / "root.pem", folder / "root.crl"
        for file, private, own in (("signer", signer_key, signer), ("tsa", tsa_key, tsa)):
            p12 = pkcs12.serialize_key_and_certificates(
                file.encode(), private, own, [root], serialization.BestAvailableEncryption(b"test"))
            (folder / f"{file}.p12").write_bytes(p12)
        self.root = asn1.Certificate.load(der(root))
        private = lambda k: keys.PrivateKeyInfo.load(k.private_bytes(  # noqa: E731
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        store = SimpleCertificateStore()
        store.register_multiple([self.root])
        self.signer = signers.SimpleSigner(asn1.Certificate.load(der(signer)), private(signer_key), store)
        self.stamper = DummyTimeStamper(asn1.Certificate.load(der(tsa)), private(tsa_key), certs_to_embed=store)

    def sign(self, data, field="Anterior", stamp=False):
        meta = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES)
        out = io.BytesIO()
        signers.PdfSigner(meta, self.signer, timestamper=self.stamper if stamp else None).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(data)), output=out)
        return out.getvalue()
