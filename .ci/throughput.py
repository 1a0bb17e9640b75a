#!/usr/bin/env python3
"""Receipts per second for many callers whose time-stamping authority is slow: `.ci/throughput.py BINARY [CALLERS SECONDS DELAY]`.

Makes a demo under a temporary folder, puts a proxy that waits before the demo's authority, registers from CALLERS
threads, and checks that the numbers have no gap and no double. Prints one line; fails below one receipt per caller and second.
"""
import http.client, http.server, json, os, re, signal, subprocess, sys, tempfile, threading, time, urllib.request

binary = sys.argv[1]
callers, seconds, delay = int((sys.argv + [50])[2] if len(sys.argv) > 2 else 50), float(sys.argv[3]) if len(sys.argv) > 3 else 10, float(sys.argv[4]) if len(sys.argv) > 4 else 0.5
PORT, SLOW = 8537, 8538
folder = tempfile.mkdtemp()
address = f"127.0.0.1:{PORT}"


class Authority(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(delay)
        request = urllib.request.Request(f"http://{address}/demo/tsa", body, {"Content-Type": "application/timestamp-query"})
        answer = urllib.request.urlopen(request).read()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def multipart(parts):
    lines = []
    for name, file, kind, content in parts:
        lines.append(f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\nContent-Type: {kind}\r\n\r\n'.encode() + content + b"\r\n")
    return b"".join(lines) + b"--b--\r\n"


subprocess.run([binary, "demo", "--once", "--data", folder, "--listen", address], check=True, stdout=subprocess.PIPE)
settings = open(f"{folder}/rubrica.toml").read()
settings = settings.replace(f'url = "http://{address}/demo/tsa"', f'url = "http://127.0.0.1:{SLOW}/"')
settings = settings.replace(f'private_addresses = ["{address}"]', f'private_addresses = ["{address}", "127.0.0.1:{SLOW}"]')
open(f"{folder}/rubrica.toml", "w").write(settings)
threading.Thread(target=Server(("127.0.0.1", SLOW), Authority).serve_forever, daemon=True).start()
service = subprocess.Popen([binary, "demo", "--data", folder, "--listen", address], stdout=subprocess.PIPE, text=True)
key = None
for line in service.stdout:
    key = key or re.search(r"rubrica_[\w-]+", line)
    if "Lines to paste" in line:
        break
threading.Thread(target=lambda: [None for _ in service.stdout], daemon=True).start()
body = multipart([
    ("metadata", "", "application/json", open(f"{folder}/metadata.json", "rb").read()),
    ("request", '; filename="solicitud.pdf"', "application/pdf", open(f"{folder}/solicitud.pdf", "rb").read()),
])
numbers, wrong, times = [], [], []
end = time.time() + seconds


def caller(n):
    connection = http.client.HTTPConnection(address, timeout=60)
    count = 0
    while time.time() < end:
        count += 1
        headers = {"Authorization": f"Bearer {key.group(0)}", "Idempotency-Key": f"{n}-{count}", "Content-Type": "multipart/form-data; boundary=b"}
        start = time.time()
        connection.request("POST", "/v1/receipts", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status in (200, 201):
            found = json.loads(content)
            numbers.append(found["number"])
            times.append(time.time() - start)
            if "BASELINE-T" not in content.decode():
                wrong.append("not stamped")
        else:
            wrong.append(f"{answer.status} {content[:200]!r}")


started = time.time()
threads = [threading.Thread(target=caller, args=(n,)) for n in range(callers)]
[t.start() for t in threads]
[t.join() for t in threads]
took = time.time() - started
service.send_signal(signal.SIGTERM)
service.wait(40)
ordered = sorted(numbers)
gaps = sum(1 for a, b in zip(ordered, ordered[1:]) if int(b) != int(a) + 1)
rate = len(numbers) / took
times.sort()
print(f"throughput: {callers} callers, authority {delay:g} s: {rate:.1f} receipts/s ({len(numbers)} in {took:.1f} s, median {times[len(times) // 2]:.3f} s), {gaps} gaps or doubles, {len(wrong)} wrong {wrong[:2]}")
sys.exit(0 if rate >= callers and not gaps and not wrong else 1)
