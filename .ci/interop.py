"""What we produce is accepted by tools that others wrote. Usage: interop.py [--only WORD] [--keep DIR]

One line a check, `interop NAME: ok` or `interop NAME: FAILED reason`; the exit code is 1 if any failed. Nothing is
skipped: a tool that is missing fails its checks. RUBRICA is the program (default: the release build), SHARED the folder
of the oracle and the corpora.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

import checkers
import foreign
import samples
import timestamps

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SHARED") or ROOT.parent / "shared")
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
RUBRICA = Path(os.environ.get("RUBRICA") or TARGET / "release/rubrica")


class Checks:
    def __init__(self, only):
        self.only, self.good, self.bad = only, 0, 0

    def __call__(self, name, ask, *args, **kw):
        """`ask` answers None for yes, or the reason why not."""
        if self.only and self.only not in name:
            return
        try:
            reason = ask(*args, **kw)
        except Exception as e:  # a checker that breaks has not accepted
            reason = f"{type(e).__name__}: {e}"
        self.bad, self.good = self.bad + bool(reason), self.good + (not reason)
        print(f"interop {name}: " + (f"FAILED {reason}" if reason else "ok"), flush=True)

    def fail(self, name, why):
        self.bad += 1
        print(f"interop {name}: FAILED {type(why).__name__}: {why}", flush=True)

    def refuses(self, name, ask, *args, **kw):
        """The opposite: a checker that accepts what it must not is of no use."""
        self(name, lambda: None if ask(*args, **kw) else "accepted what was altered")


def altered(path, needle):
    """A copy with one bit changed in the byte after `needle`."""
    data = bytearray(path.read_bytes())
    data[data.index(needle) + len(needle)] ^= 1
    copy = path.with_name(path.stem + "-altered" + path.suffix)
    copy.write_bytes(data)
    return copy


def checkers_work(check, oracle, folder, pki):
    """pyHanko's B-T signature is accepted by every checker, and refused once a signed bit is changed."""
    path = folder / "foreign.pdf"
    path.write_bytes(pki.sign(samples.classic(samples.objects()), stamp=True))
    wrong = altered(path, b"/MediaBox[0 0 59")
    trust = {"anchors": [pki.root_pem], "crls": [pki.crl]}
    crls = [pki.crl.read_bytes()]
    check("self qpdf", checkers.qpdf, path)
    check("self pdfsig", checkers.pdfsig, path)
    check("self pyhanko", checkers.pyhanko, path, [pki.root], crls)
    check("self dss", oracle.validate, path, "PAdES-BASELINE-T", **trust)
    check.refuses("self pdfsig altered", checkers.pdfsig, wrong)
    check.refuses("self pyhanko altered", checkers.pyhanko, wrong, [pki.root], crls)
    check.refuses("self dss altered", oracle.validate, wrong, "PAdES-BASELINE-T", **trust)
    check.refuses("self dss level", oracle.validate, path, "PAdES-BASELINE-LT", **trust)
    check.refuses("self pdfa", oracle.pdfa, path, "3a")
    check.refuses("self qpdf broken", checkers.qpdf, altered(path, b"endobj\nxre"))


def verified(pki, path, level, content=None):
    """`rubrica verify`, off line: TOTAL-PASSED at this level."""
    extra = ["--content", content] if content else []
    code, text = checkers.run(RUBRICA, "verify", "--offline", "--json", "--trust", pki.root_pem, "--crl", pki.crl, *extra, path)
    found = [(s["level"], s["indication"]) for s in json.loads(text)["signatures"]] if text.startswith("{") else text[:200]
    return None if code == 0 and found == [(level, "TOTAL-PASSED")] else f"exit {code}: {found}"


# Document security stores of PDF and archive manifests of ASiC-E are read, and do not make a level yet.
LEVELS = {"PAdES": ("B", "T"), "CAdES": ("B", "T", "LT", "LTA"), "ASiC-S-CAdES": ("B", "T", "LT", "LTA"), "ASiC-E-CAdES": ("B", "T", "LT")}


def theirs(check, oracle, folder, pki):
    """What EU DSS, pyHanko and OpenSSL sign passes here, and not once a bit of it is changed."""
    sources = {"PAdES": folder / "theirs.pdf", "CAdES": folder / "theirs.bin"}
    sources["PAdES"].write_bytes(samples.classic(samples.objects()))
    sources["CAdES"].write_bytes(bytes(range(256)) * 40)
    p12 = {"p12": folder / "signer.p12", "p12_password": "test", "tsa_p12": folder / "tsa.p12", "tsa_p12_password": "test"}
    for form in LEVELS:
        for level in LEVELS[form]:
            name, source = f"{form}-{level}", sources.get(form, sources["CAdES"])
            packaging = {"packaging": "DETACHED"} if form == "CAdES" else {}
            answer = oracle.ask(op="sign", path=source, out=folder / name, format=form, level=level, anchors=[pki.root_pem],
                                crls=[pki.crl], **p12, **packaging)
            content = source if form == "CAdES" else None
            check(f"theirs dss {name} made", lambda: answer.get("error"))
            check(f"theirs dss {name}", verified, pki, folder / name, f"{form.split('-')[-1]}-BASELINE-{level}", content)
    check("theirs pyhanko", verified, pki, folder / "foreign.pdf", "PAdES-BASELINE-T")
    check.refuses("theirs pyhanko altered", verified, pki, folder / "foreign-altered.pdf", "PAdES-BASELINE-T")
    p7s, pem = folder / "openssl.p7s", folder / "signer.pem"
    checkers.run("openssl", "pkcs12", "-in", folder / "signer.p12", "-passin", "pass:test", "-nodes", "-out", pem)
    checkers.run("openssl", "cms", "-sign", "-binary", "-cades", "-md", "sha256", "-signer", pem, "-in", sources["CAdES"],
                 "-outform", "DER", "-out", p7s)
    check("theirs openssl", verified, pki, p7s, "CAdES-BASELINE-B", sources["CAdES"])
    check.refuses("theirs openssl other content", verified, pki, p7s, "CAdES-BASELINE-B", sources["PAdES"])


# EU DSS's policy has no row for EdDSA, which it verifies.
UNLISTED = "not authorised for"


def cades_accepted(oracle, folder, sample):
    """EU DSS passes every signature of `sample`, at its level those that are no counter-signatures."""
    content = {"detached": [folder / "content.txt"]} if sample["detached"] else {}
    lists = [folder / "root.crl", folder / "authority.crl"]
    answer = oracle.ask(op="validate", path=folder / sample["file"], anchors=[folder / "root.der"], crls=lists, **content)
    found = answer.get("signatures") or []
    levels = [s["format"] for s in found].count(sample["level"])
    if len(found) != sample["signatures"] or levels < sample["signers"]:
        return f"{levels} at {sample['level']}: {json.dumps(answer)[:300]}"
    eddsa = sample["file"].startswith("ed")
    for s in found:
        believed = s["indication"] == "TOTAL_PASSED" if not eddsa else s["bl_ok"] and any(UNLISTED in e for e in s["errors"])
        if not believed or not all(r["found"] and r["intact"] for r in s["references"]):
            return f"{s['indication']} {s['sub_indication']} {s['errors']}"[:400]
    return None


def cades(check, oracle, folder):
    """CAdES of every algorithm, packaging and level that the library makes, by EU DSS."""
    checkers.run("cargo", "run", "-q", "--release", "--example", "cades-samples", "--", folder, timeout=900)
    made = json.loads((folder / "samples.json").read_text())
    for sample in made:
        check(f"cades {sample['file']}", cades_accepted, oracle, folder, sample)
    altered_content = folder / "other.txt"
    altered_content.write_bytes(b"Otra cosa\n")
    sample = next(s for s in made if s["detached"])
    (folder / "content.txt").rename(folder / "kept.txt")
    altered_content.rename(folder / "content.txt")
    check.refuses("cades other content", cades_accepted, oracle, folder, sample)


class Service:
    """`rubrica demo` on its data folder, serving; asked as a portal would."""

    def __init__(self, data, port):
        self.data, self.base = data, f"http://127.0.0.1:{port}"
        self.log = open(data.with_suffix(".log"), "wb")
        self.process = subprocess.Popen([RUBRICA, "demo", "--data", data, "--listen", f"127.0.0.1:{port}"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service is not ready; {data.with_suffix('.log')} says why")
            time.sleep(0.1)
        self.key = (data / "secrets/portal.key").read_text().split()[0]

    def ready(self):
        try:
            return urllib.request.urlopen(self.base + "/readyz", timeout=5).status == 200
        except OSError:
            return False

    def get(self, path):
        return self.curl(path)

    def curl(self, path, *arguments):
        """The body of the answer; anything but 2xx raises, with what the service says."""
        made = subprocess.run(["curl", "-sS", "--fail-with-body", "-H", f"Authorization: Bearer {self.key}", *arguments,
                               self.base + path], capture_output=True, timeout=120)
        if made.returncode:
            raise RuntimeError((made.stdout[:300] + made.stderr[:200]).decode(errors="replace"))
        return made.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        return None if code == 0 else f"exit {code} after SIGTERM"


def published(data):
    """The CRLs where the certificates say that they are, as the service issues them now."""
    points = [p for name in ("ca", "seal") for c in checkers.certificates(data / f"pki/{name}.pem")
              for p in c.crl_distribution_points]
    paths = []
    for i, url in enumerate(sorted({p.url for p in points})):
        paths.append(data / f"published-{i}.crl")
        paths[-1].write_bytes(urllib.request.urlopen(url, timeout=10).read())
    return paths


def acuse(check, oracle, data, folder, trust):
    """The sample's acuse, the justificante in it, and both with a signed bit changed."""
    root, path = data / "pki/root.pem", data / "acuse.zip"
    inside = folder / "acuse"
    with zipfile.ZipFile(path) as z:
        z.extractall(inside)
    justificante, manifest = inside / "justificante.pdf", inside / "META-INF/ASiCManifest.xml"
    signature = inside / "META-INF/signature.p7s"
    anchors, raw = checkers.certificates(root), [p.read_bytes() for p in trust["crls"]]
    check("acuse unzip", checkers.unzip, path)
    check("acuse mimetype", checkers.asic_mimetype, path)
    check("acuse openssl", checkers.openssl_cms, signature, manifest, root)
    check("acuse dss", oracle.validate, path, "CAdES-BASELINE-B", container="ASiC-E", **trust)
    check("justificante qpdf", checkers.qpdf, justificante)
    check("justificante pdfsig", checkers.pdfsig, justificante)
    check("justificante pyhanko", checkers.pyhanko, justificante, anchors, raw)
    check("justificante adesverify", checkers.adesverify, justificante, root)
    check("justificante dss", oracle.validate, justificante, "PAdES-BASELINE-T", **trust)
    check("justificante pdfa-3a", oracle.pdfa, justificante, "3a")
    check("justificante pdfua-1", oracle.pdfa, justificante, "ua1")
    wrong = altered(justificante, b"endstream\nendobj\n")
    check.refuses("justificante altered pdfsig", checkers.pdfsig, wrong)
    check.refuses("justificante altered pyhanko", checkers.pyhanko, wrong, anchors, raw)
    check.refuses("justificante altered dss", oracle.validate, wrong, "PAdES-BASELINE-T", **trust)
    check.refuses("acuse altered openssl", checkers.openssl_cms, signature, altered(manifest, b"<"), root)


def sealing(data, source, target):
    """`rubrica seal` under the demo's configuration: exit code, text."""
    return checkers.run(RUBRICA, "seal", "--config", data / "rubrica.toml", "--seal", "sede", source, target)


def seal(data, source, target):
    code, text = sealing(data, source, target)
    return None if code == 0 else f"exit {code}: {checkers.last(text)}"


def kept(source, target):
    """No byte of the input changes."""
    before, after = source.read_bytes(), target.read_bytes()
    return None if after.startswith(before) and len(after) > len(before) else "the input is not a prefix of the output"


def sealed(check, oracle, name, data, source, target, trust, signatures=1):
    """One document sealed, and everything asked of what comes out.

    pyHanko and EU DSS do not read a file with anything before its header; pyHanko's strict reader takes no hybrid one.
    """
    target.unlink(missing_ok=True)
    check(f"seal {name}", seal, data, source, target)
    check(f"seal {name} prefix", kept, source, target)
    check(f"seal {name} qpdf", checkers.qpdf, target)
    check(f"seal {name} pdfsig", checkers.pdfsig, target, signatures)
    if name == "leading-junk":
        return
    anchors, crls = checkers.certificates(data / "pki/root.pem"), [p.read_bytes() for p in trust["crls"]]
    check(f"seal {name} pyhanko", checkers.pyhanko, target, anchors, crls, strict=name != "hybrid", signatures=signatures)
    # An earlier signature of somebody else's does not pass under our anchors, and is looked at by the others.
    if not name.endswith("-signed"):
        check(f"seal {name} dss", oracle.validate, target, "PAdES-BASELINE-T", signatures, **trust)


def refusal(data, source, target):
    """A broken or encrypted file: not exit 0, one line of reason, no panic, no output."""
    target.unlink(missing_ok=True)
    code, text = sealing(data, source, target)
    if code in (0, 101) or code < 0 or "panicked" in text:
        return f"exit {code}: {checkers.last(text)}"
    if not text.strip() or target.exists():
        return "no reason given" if not text.strip() else "an output file was written"
    return None


def matrix(check, oracle, data, folder, pki, trust):
    """Every outward shape of PDF, earlier signatures of others and of our own."""
    folder.mkdir(exist_ok=True)
    shapes = samples.sound(folder)
    for name, source in shapes.items():
        sealed(check, oracle, name, data, source, folder / f"{name}-sealed.pdf", trust)
    for name in ("classic", "stream-xref", "form"):
        earlier, twice = folder / f"{name}-signed.pdf", folder / f"{name}-sealed.pdf"
        earlier.write_bytes(pki.sign(shapes[name].read_bytes()))
        sealed(check, oracle, f"{name}-signed", data, earlier, folder / f"{name}-signed-sealed.pdf", trust, 2)
        sealed(check, oracle, f"{name}-again", data, twice, folder / f"{name}-again.pdf", trust, 2)
    for name, source in samples.refused(folder).items():
        check(f"refuse {name}", refusal, data, source, folder / "refused.pdf")


def corpora(check, data, folder):
    """Real documents: the PDFs of the corpora that qpdf finds sound; all that nobody has signed, and each eighth other.

    One that is certified against changes is refused, which is right.
    """
    folder.mkdir(exist_ok=True)
    home, target = SHARED / "corpora", folder / "sealed.pdf"
    sound = [p for p in sorted(home.rglob("*.pdf")) if checkers.qpdf(p) is None
             and checkers.run("qpdf", "--is-encrypted", p)[0] == 2]
    signed = [p for p in sound if b"/ByteRange" in p.read_bytes()]
    sources = [p for p in sound if p not in signed] + signed[::8]
    check("corpora found", lambda: None if len(sources) >= 60 else f"only {len(sources)} sound PDFs")
    for source in sources:
        name, before = source.relative_to(home), len(checkers.valid_signatures(source))
        target.unlink(missing_ok=True)
        code, text = sealing(data, source, target)
        if code and source in signed and "certification signature permits no changes" in text:
            check(f"corpora {name} refused", lambda: "an output file was written" if target.exists() else None)
            continue
        check(f"corpora {name} seal", lambda: None if code == 0 else f"exit {code}: {checkers.last(text)}")
        check(f"corpora {name} prefix", kept, source, target)
        check(f"corpora {name} qpdf", checkers.qpdf, target)
        check(f"corpora {name} pdfsig", lambda: None if len(checkers.valid_signatures(target)) == before + 1 else
              f"{before} valid before, {checkers.valid_signatures(target)} after")


LANGUAGES = ("es", "ca", "va", "gl", "eu", "en", "fr")
NAMES = {
    "latin": ("Ñuño Çedilla", "L·luís–Núñez", "Šćepanović ẞ ﬁ Ā\u0301"),
    "greek": ("Ελένη", "Παπαδοπούλου", "Ὀδυσσεύς"),
    "cyrillic": ("Людмила", "Шевченко", "Ђорђевић"),
    "arabic": ("فاطمة", "الزهراء", "بن علي"),
    "hebrew": ("שָׂרָה", "כהן", "לוי"),
    "beyond": ("山田", "𝒳 \U0001F600", "नमस्ते"),
}


def receipts(check, oracle, service, folder, trust):
    """Receipts in every language and script, each accepted by all; attachments inside; a signed PDF as the request."""
    folder.mkdir(exist_ok=True)
    metadata = json.loads((service.data / "metadata.json").read_text())
    metadata["subject"], metadata["identification"] = "RE0001", {
        "who": "99999999R", "how": "clave", "when": "2026-11-24T10:00:00Z", "reference": "CLAVE-1"}
    (folder / "solicitud.xml").write_text("<solicitud>–</solicitud>")
    (folder / "anexo 1.bin").write_bytes(bytes(range(256)) * 50)
    cases = [(f"language-{code}", code, NAMES["latin"]) for code in LANGUAGES]
    cases += [(f"script-{script}", "es", names) for script, names in NAMES.items()]
    for name, language, (given, first, second) in cases:
        person = metadata["interested"] | {"name": given, "first_surname": first, "second_surname": second}
        data = [{"label": "Dato – propio", "value": f"{given}\n{first} {second} " * 40}] * 8
        request = metadata | {"language": language, "interested": person, "data": data}
        (folder / "metadata.json").write_text(json.dumps(request))
        try:
            receipt(check, oracle, service, folder, name, trust)
        except Exception as e:
            check.fail(f"receipt {name}", e)


def receipt(check, oracle, service, folder, name, trust):
    answer = json.loads(service.curl(
        "/v1/receipts?attachments=inside", "-F", f"metadata=@{folder}/metadata.json;type=application/json",
        "-F", f"request=@{folder}/solicitud.xml;type=text/xml", "-F", f"attachment=@{folder}/anexo 1.bin"))
    pdf, acuse = folder / f"{name}.pdf", folder / f"{name}.zip"
    pdf.write_bytes(service.get(answer["links"]["justificante"]))
    acuse.write_bytes(service.get(answer["links"]["acuse"]))
    check(f"receipt {name} qpdf", checkers.qpdf, pdf)
    check(f"receipt {name} pdfsig", checkers.pdfsig, pdf)
    check(f"receipt {name} dss", oracle.validate, pdf, "PAdES-BASELINE-T", **trust)
    check(f"receipt {name} pdfa-3a", oracle.pdfa, pdf, "3a")
    check(f"receipt {name} pdfua-1", oracle.pdfa, pdf, "ua1")
    check(f"receipt {name} unzip", checkers.unzip, acuse)
    check(f"receipt {name} acuse dss", oracle.validate, acuse, "CAdES-BASELINE-B", container="ASiC-E", **trust)


def sealed_over_http(check, oracle, service, folder, trust):
    """`POST /v1/seal`, visible and not, by both seals; `POST /v1/documents` with a code on every page."""
    folder.mkdir(exist_ok=True)
    source, anchors = folder / "in.pdf", checkers.certificates(trust["anchors"][0])
    source.write_bytes(samples.classic(samples.objects()))
    wishes = {"invisible": ["?seal=sede"], "visible": ["?seal=sede&visible=true&reason=Prueba"], "p256": ["?seal=registro"]}
    for name, (query,) in wishes.items():
        target = folder / f"{name}.pdf"
        target.write_bytes(service.curl(f"/v1/seal{query}", "-H", "Content-Type: application/pdf",
                                        "--data-binary", f"@{source}"))
        everything(check, oracle, f"http-seal {name}", target, anchors, trust)
        check(f"http-seal {name} prefix", kept, source, target)
    for kind, days in (("T", "732"), ("P", "-1")):
        target = folder / f"code-{kind}.pdf"
        target.write_bytes(service.curl("/v1/documents", "-H", "Accept: application/pdf", "-F", f"document=@{source}",
                                        "-F", "entity=INSS", "-F", f"type={kind}", "-F", f"caducidad={days}"))
        everything(check, oracle, f"http-document {kind}", target, anchors, trust)
        pages = checkers.run("pdftotext", "-layout", target, "-")[1].split("\f")[:-1]
        printed = [len(re.findall(r"(?:[A-Z2-7]{5}-){5}[A-Z2-7]{5}", page)) for page in pages]
        check(f"http-document {kind} code", lambda: None if set(printed) == {1} else f"codes on the pages: {printed}")


def everything(check, oracle, name, path, anchors, trust):
    check(f"{name} qpdf", checkers.qpdf, path)
    check(f"{name} pdfsig", checkers.pdfsig, path)
    check(f"{name} pyhanko", checkers.pyhanko, path, anchors, [p.read_bytes() for p in trust["crls"]])
    check(f"{name} dss", oracle.validate, path, "PAdES-BASELINE-T", **trust)


def authority(check, service, folder):
    """OpenSSL as the client of our own time-stamping authority and OCSP responder."""
    pki, work = service.data / "pki", folder / "authority"
    work.mkdir(exist_ok=True)
    (work / "data").write_bytes(b"datos")

    def timestamp():
        made = checkers.run("openssl", "ts", "-query", "-data", work / "data", "-sha512", "-cert", "-out", work / "q.tsq")
        service.curl("/demo/tsa", "-H", "Content-Type: application/timestamp-query", "--data-binary", f"@{work}/q.tsq",
                     "-o", work / "r.tsr")
        code, text = checkers.run("openssl", "ts", "-verify", "-queryfile", work / "q.tsq", "-in", work / "r.tsr",
                                  "-CAfile", pki / "root.pem", "-untrusted", pki / "ca.pem")
        return None if made[0] == code == 0 and "Verification: OK" in text else checkers.last(text)

    def status(name, expected):
        code, text = checkers.run("openssl", "ocsp", "-issuer", pki / "ca.pem", "-cert", pki / f"{name}.pem",
                                  "-url", service.base + "/demo/ocsp", "-CAfile", pki / "root.pem", "-nonce")
        good = code == 0 and "Response verify OK" in text and f"{name}.pem: {expected}" in text
        return None if good else checkers.last(text)

    def listed():
        code, text = checkers.run("openssl", "verify", "-crl_check_all", "-CAfile", pki / "root.pem", "-untrusted",
                                  pki / "ca.pem", *[a for p in ("ca", "root") for a in ("-CRLfile", pki / f"{p}.crl")],
                                  pki / "seal.pem")
        return None if code == 0 else checkers.last(text)

    check("authority openssl ts", timestamp)
    for path in ("/tsa", "/demo/tsa"):
        check(f"authority pyhanko {path}", timestamps.pyhanko, service.base + path, pki / "root.pem")
        check.refuses(f"authority pyhanko {path} other root", timestamps.pyhanko, service.base + path, ROOT / "certs/test/root.pem")
        check(f"authority rfc3161-client {path}", timestamps.rfc3161, service.base + path, pki / "root.pem")
        check(f"authority rfc3161-client {path} without nonce", timestamps.rfc3161, service.base + path, pki / "root.pem", nonce=False)
    check("timestamp over http, openssl", stamped, service, work)
    check("authority openssl ocsp good", status, "seal", "good")
    check("authority openssl ocsp revoked", status, "revoked", "revoked")
    check("authority openssl crl", listed)


def stamped(service, work):
    """`POST /v1/timestamp` and `rubrica timestamp`, read by OpenSSL."""
    pki, data = service.data / "pki", work / "data"
    service.curl("/v1/timestamp", "-H", "Accept: application/timestamp-reply", "--data-binary", f"@{data}", "-o", work / "v1.tsr")
    code, text = checkers.run(RUBRICA, "timestamp", data, "--tsa", service.base + "/tsa", "--private-address", "127.0.0.1",
                              "--trust", pki / "root.pem", "--out", work / "cli.tst", "--force")
    if code:
        return checkers.last(text)
    code, text = checkers.run(RUBRICA, "timestamp", data, "--verify", work / "v1.tsr", "--trust", pki / "root.pem")
    if code:
        return f"our check of v1.tsr: {checkers.last(text)}"
    for token in (["v1.tsr"], ["cli.tst", "-token_in"]):
        code, text = checkers.run("openssl", "ts", "-verify", "-data", data, "-in", work / token[0], *token[1:],
                                  "-CAfile", pki / "root.pem", "-untrusted", pki / "ca.pem")
        if code or "Verification: OK" not in text:
            return checkers.last(text)
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def product(check, oracle, folder, pki):
    data, port = folder / "demo", free_port()
    arguments = ["demo", "--once", "--data", data, "--listen", f"127.0.0.1:{port}"]
    code, text = checkers.run(RUBRICA, *arguments, timeout=300)
    check("demo once", lambda: None if code == 0 and "TOTAL-PASSED" in text else f"exit {code}: {checkers.last(text)}")
    root = (data / "pki/root.pem").read_bytes()
    service = Service(data, port)
    try:
        check("demo reused", lambda: None if (data / "pki/root.pem").read_bytes() == root else "another root")
        trust = {"anchors": [data / "pki/root.pem"], "crls": published(data)}
        acuse(check, oracle, data, folder, trust)
        authority(check, service, folder)
        sealed_over_http(check, oracle, service, folder / "http", trust)
        receipts(check, oracle, service, folder / "receipts", trust)
        matrix(check, oracle, data, folder / "matrix", pki, trust)
        corpora(check, data, folder / "corpora")
    finally:
        stopped = service.stop()
        check("demo stops", lambda: stopped)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="only the checks whose name has this word")
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="rubrica-interop-"))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "demo", ignore_errors=True)
    check = Checks(options.only)
    oracle = checkers.Oracle(SHARED / "oracle/oracle")
    (folder / "foreign").mkdir(exist_ok=True)
    pki = foreign.Pki(folder / "foreign")
    checkers_work(check, oracle, folder / "foreign", pki)
    theirs(check, oracle, folder / "foreign", pki)
    cades(check, oracle, folder / "cades")
    try:
        product(check, oracle, folder, pki)
    except Exception as e:  # what could not even be asked has failed
        check.fail("product", e)
    oracle.close()
    print(f"{check.good} passed, {check.bad} failed")
    return 1 if check.bad or not check.good else 0


if __name__ == "__main__":
    sys.exit(main())
