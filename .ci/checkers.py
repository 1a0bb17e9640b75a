"""Tools that others wrote, each asked one question: qpdf, pdfsig, pyHanko, OpenSSL, unzip, EU DSS, veraPDF.

A checker answers None when it accepts and the reason when it does not.
"""
import asyncio
import json
import logging
import re
import subprocess
import zipfile
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

logging.disable(logging.CRITICAL)


def run(*argv, data=None, cwd=None, timeout=120):
    r = subprocess.run([str(a) for a in argv], input=data, capture_output=True, cwd=cwd, timeout=timeout)
    return r.returncode, (r.stdout + r.stderr).decode(errors="replace")


def last(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:])[:300]


def certificates(path):
    data = Path(path).read_bytes()
    if not pem.detect(data):
        return [x509.Certificate.load(data)]
    return [x509.Certificate.load(der) for kind, _, der in pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"]


def qpdf(path, warnings=0):
    """Syntax of the whole file. `warnings`: 3 where the input itself already had warnings."""
    code, text = run("qpdf", "--check", path)
    return None if code in (0, warnings) else f"exit {code}: {last(text)}"


def pdfsig(path, signatures=1):
    """Every signature valid by its mathematics, their number, one of them over the whole file."""
    code, text = run("pdfsig", "-nocert", path)
    judged = re.findall(r"Signature Validation: (.*)", text)
    if code or judged != ["Signature is Valid."] * signatures:
        return f"{judged}, {signatures} expected, exit {code}: {last(text)}"
    if "Total document signed" not in text:
        return f"no signature covers the file: {last(text)}"
    return None


def valid_signatures(path):
    """The numbers of the signatures that pdfsig finds valid."""
    parts = run("pdfsig", "-nocert", path)[1].split("Signature #")[1:]
    return [p.split(":")[0] for p in parts if "Signature Validation: Signature is Valid." in p]


def pyhanko(path, anchors, crls, others=(), strict=True, signatures=1, at=None):
    """Strict reader; integrity, path, revocation by the given CRLs, time-stamp, coverage and later changes."""
    async def check():
        with open(path, "rb") as f:
            found = PdfFileReader(f, strict=strict).embedded_regular_signatures
            if len(found) != signatures:
                return f"{len(found)} signatures, expected {signatures}"
            context = lambda: ValidationContext(  # noqa: E731
                trust_roots=anchors, other_certs=others, crls=[asn1_crl.CertificateList.load(c) for c in crls],
                allow_fetching=False, revocation_mode="require" if crls else "soft-fail", moment=at)
            status = await async_validate_pdf_signature(
                found[-1], signer_validation_context=context(), ts_validation_context=context())
            if not status.bottom_line:
                return " ".join(status.pretty_print_details().split())[:400]
            if status.modification_level not in (None, ModificationLevel.NONE):
                return f"modification level {status.modification_level}"
            if found[-1].sig_object.get("/SubFilter") != "/ETSI.CAdES.detached":
                return "SubFilter is not ETSI.CAdES.detached"
            return None
    try:
        return asyncio.run(check())
    except Exception as e:  # whatever stops pyHanko is its answer
        return f"{type(e).__name__}: {e}"[:300]


def adesverify(path, root):
    """pyHanko's command, AdES validation, which fetches revocation data from where the certificates say."""
    code, text = run("pyhanko", "sign", "adesverify", "--trust", root, "--trust-replace", "--pretty-print", path)
    good = code == 0 and "The signature is judged VALID" in text
    return None if good else f"exit {code}: {last(text)}"


def unzip(path):
    code, text = run("unzip", "-t", path)
    return None if code == 0 else last(text)


def asic_mimetype(path):
    """EN 319 162-1 Annex A.1: `mimetype` first, stored, without an extra field, at a fixed offset."""
    with zipfile.ZipFile(path) as z:
        first = z.infolist()[0]
    head = Path(path).read_bytes()[30:69]
    if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED or first.extra:
        return f"first member is {first.filename}, method {first.compress_type}"
    return None if head == b"mimetypeapplication/vnd.etsi.asic-e+zip" else f"mimetype is {head[8:]!r}"


def openssl_cms(signature, content, root, others=()):
    extra = [a for o in others for a in ("-certfile", o)]
    code, text = run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", content,
                     "-CAfile", root, "-purpose", "any", "-out", "/dev/null", *extra)
    return None if code == 0 else last(text)


class Oracle:
    """EU DSS and veraPDF, one process asked many times."""

    def __init__(self, program):
        self.process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps({k: self._plain(v) for k, v in request.items()}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the oracle stopped"}

    @staticmethod
    def _plain(value):
        return [str(v) for v in value] if isinstance(value, (list, tuple)) else str(value)

    def validate(self, path, level, signatures=1, container=None, **trust):
        """Every signature TOTAL_PASSED at `level`, of that number, with no undefined change."""
        answer = self.ask(op="validate", path=path, **trust)
        found = answer.get("signatures")
        if not found or len(found) != signatures:
            return f"signatures: {json.dumps(answer)[:300]}"
        for s in found:
            pdf = s.get("pdf") or {}
            if s["indication"] != "TOTAL_PASSED" or s["format"] != level:
                why = s["errors"] or s["warnings"]
                return f"{s['indication']} {s['sub_indication']} {s['format']} {why}"[:400]
            if pdf.get("undefined_changes") or pdf.get("modifications_detected"):
                return f"changes: {pdf}"
            if not all(r["found"] and r["intact"] for r in s["references"]):
                return f"references: {s['references']}"[:400]
        if container and container not in json.dumps(answer.get("container")):
            return f"container is {answer.get('container')}"
        return None

    def pdfa(self, path, profile):
        answer = self.ask(op="pdfa", path=path, profile=profile)
        if answer.get("compliant") is True:
            return None
        return str(answer.get("error") or sorted(set(answer.get("errors", ()))))[:600]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
