"""Programs of others as clients of our time-stamping authority and as checkers of its tokens: pyHanko, rfc3161-client.

`timestamps.py FOLDER` measures them on what `cargo run --release --example timestamp_figures FOLDER` left there.
"""
import asyncio
import hashlib
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import rfc3161_client as client
from asn1crypto import cms, tsp
from cryptography import x509 as cx509
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

import checkers


def judged_by_pyhanko(token, content, root, others=()):
    """Integrity, path and purpose of a token over `content`; revocation is not asked about."""
    context = ValidationContext(trust_roots=checkers.certificates(root), other_certs=list(others), allow_fetching=False)
    # What it answers are the arguments of the status that its callers make.
    status = asyncio.run(validate_tst_signed_data(token["content"], context, lambda name: hashlib.new(name, content).digest()))
    good = status["intact"] and status["valid"] and status["trust_problem_indic"] is None
    return None if good else repr(status)[:300]


def pyhanko(url, root):
    """A request of pyHanko's own client, which checks nonce and imprint, and its judgement of the token."""
    digest = hashlib.sha256(b"acuse").digest()

    token = asyncio.run(HTTPTimeStamper(url).async_timestamp(digest, "sha256"))
    inside = [c.chosen for c in token["content"]["certificates"]]
    return judged_by_pyhanko(token, b"acuse", root, inside)


def rfc3161(url, root, nonce=True):
    """A request of rfc3161-client (Sigstore's), and its verification of the answer."""
    builder = client.TimestampRequestBuilder().data(b"acuse").hash_algorithm(client.HashAlgorithm.SHA512)
    builder = builder.nonce(nonce=nonce).cert_request(cert_request=True)
    asked = builder.build()
    post = urllib.request.Request(url, asked.as_bytes(), {"Content-Type": "application/timestamp-query"})
    with urllib.request.urlopen(post, timeout=20) as answer:
        if answer.headers["Content-Type"] != "application/timestamp-reply":
            return f"Content-Type {answer.headers['Content-Type']}"
        response = client.decode_timestamp_response(answer.read())
    if client.PKIStatus(response.status) != client.PKIStatus.GRANTED:
        return f"status {response.status}: {response.status_string}"
    verified(root, asked.nonce if nonce else None)(response, b"acuse")
    return None


def verified(root, nonce=None):
    builder = client.VerifierBuilder().add_root_certificate(cx509.load_pem_x509_certificate(Path(root).read_bytes()))
    verifier = (builder.nonce(nonce) if nonce else builder).build()
    return lambda response, content: verifier.verify_message(response, content) or sys.exit("not verified")


def measured(call, seconds=1.5):
    call()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds:
        one = time.perf_counter()
        call()
        times.append((time.perf_counter() - one) * 1e3)
    return sorted(times)[len(times) // 2]


def peers(folder):
    for name in ("rsa-2048", "p-256"):
        file = lambda suffix: folder / f"{name}.{suffix}"  # noqa: E731
        content, response, root = file("bin").read_bytes(), file("tsr").read_bytes(), file("root.pem")

        def by_rfc3161():
            verified(root)(client.decode_timestamp_response(response), content)

        def by_pyhanko():
            token = cms.ContentInfo.load(tsp.TimeStampResp.load(response)["time_stamp_token"].dump())
            token["content"]["encap_content_info"]["content"].parsed
            inside = [c.chosen for c in token["content"]["certificates"]]
            assert judged_by_pyhanko(token, content, root, inside) is None

        def by_openssl():
            command = ["openssl", "ts", "-verify", "-queryfile", file("tsq"), "-in", file("tsr"), "-CAfile", root]
            subprocess.run(command, check=True, capture_output=True)

        start = measured(lambda: subprocess.run(["openssl", "version"], check=True, capture_output=True))
        print(f"{name:8}  rfc3161-client {measured(by_rfc3161):.3f} ms  pyHanko {measured(by_pyhanko):.2f} ms  "
              f"openssl ts -verify {measured(by_openssl):.1f} ms, its start {start:.1f}")


if __name__ == "__main__":
    peers(Path(sys.argv[1]))
