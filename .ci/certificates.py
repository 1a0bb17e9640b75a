#!/usr/bin/env python3
"""Questions about certificates per second, and what refreshing does to them: `.ci/certificates.py BINARY LOAD [LARGE CALLERS SECONDS]`.

BINARY is the release build of rubrica, LOAD that of the example certificate-load. Serves twenty revocation lists, one of LARGE
entries, that are issued anew after a minute; asks about a thousand certificates from CALLERS connections with wrk, first
while the lists are refreshed, then when they stay. Prints a line each; fails below 10,000 answers a second from what is
kept, above twice the quiet p99 while lists are swapped, and where an answer is dropped or wrong.
"""
import http.server, json, os, re, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.request

binary, load = sys.argv[1:3]
large, callers, seconds = (int(a) for a in (sys.argv[3:] + ["1000000", "50", "30"][len(sys.argv) - 3:]))
# An address is asked no more than once a minute.
GENERATIONS, EVERY, MAKING = 2, 65, 10 + large // 60_000
PORT, LISTS = 8541, 8542
folder = tempfile.mkdtemp()
swaps = 0


class Lists(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global swaps
        name = self.path.strip("/")
        if name != "root.crl":
            generation = min(GENERATIONS - 1, max(0, int(time.time() - began) // EVERY))
            name = name.replace(".crl", f".{generation}.crl")
        with open(f"{folder}/{name}", "rb") as file:
            self.send_response(200)
            self.send_header("Content-Type", "application/pkix-crl")
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            shutil.copyfileobj(file, self.wfile, 1 << 20)
        swaps += 1

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


began = int(subprocess.run([load, folder, f"http://127.0.0.1:{LISTS}", str(GENERATIONS), str(EVERY), str(large), str(MAKING)], check=True, stdout=subprocess.PIPE, text=True).stdout)
if time.time() > began:
    sys.exit(f"certificates: making the lists took longer than {MAKING} s")
threading.Thread(target=Server(("127.0.0.1", LISTS), Lists).serve_forever, daemon=True).start()
key = subprocess.run([binary, "caller-key"], check=True, stdout=subprocess.PIPE, text=True).stdout
secret, digest = re.search(r"rubrica_[\w-]+", key).group(0), re.search(r"\b[0-9a-f]{64}\b", key).group(0)
open(f"{folder}/callers.toml", "w").write(f'[[caller]]\nname = "load"\nkey_sha256 = "{digest}"\noperations = ["certificates"]\nentities = []\n')
open(f"{folder}/rubrica.toml", "w").write(f'''
listen = "127.0.0.1:{PORT}"
log = "error"
callers = "callers.toml"
[trust]
anchors = ["root.pem"]
certificates = ["issuers.pem"]
[index]
folder = "crls"
[sources]
private_addresses = ["127.0.0.1:{LISTS}"]
''')
os.chmod(f"{folder}/callers.toml", 0o600)
open(f"{folder}/ask.lua", "w").write('''
local threads, bodies, at = {}, {}, 0
wrong = 0
function setup(thread) table.insert(threads, thread) end
function init(args)
  for line in io.lines(args[1]) do table.insert(bodies, '{"purpose":"access","certificate":"' .. line .. '"}') end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  for n, body in ipairs(bodies) do bodies[n] = wrk.format(nil, "/v1/certificates/status", nil, body) end
end
function request() at = at % #bodies + 1; return bodies[at] end
function response(status, headers, body)
  if status ~= 200 or not body:find('"status":"good"', 1, true) then wrong = wrong + 1 end
end
function done(summary, latency)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do bad = bad + thread:get("wrong") end
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), bad))
end
''')
service = subprocess.Popen([binary, "serve", "--config", f"{folder}/rubrica.toml"], stdout=subprocess.DEVNULL)
leaves = open(f"{folder}/leaves").read().split()


def ask_all():
    counts = {}
    for at in range(0, len(leaves), 100):
        body = json.dumps({"purpose": "access", "certificates": [{"certificate": leaf} for leaf in leaves[at:at + 100]]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}/v1/certificates/status", body, {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"})
        for answer in json.load(urllib.request.urlopen(request, timeout=120))["answers"]:
            word = answer.get("status", "problem")
            counts[word] = counts.get(word, 0) + 1
    return counts


def measure(what, lasting):
    before = swaps
    out = subprocess.run(["wrk", "-t1", f"-c{callers}", f"-d{lasting}s", "--latency", "-s", f"{folder}/ask.lua", f"http://127.0.0.1:{PORT}", "--", f"{folder}/leaves", secret], check=True, stdout=subprocess.PIPE, text=True).stdout
    requests, duration, half, most, bad = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out).groups())
    rate = requests / duration * 1e6
    peak = next(line.split()[1] for line in open(f"/proc/{service.pid}/status") if line.startswith("VmHWM"))
    print(f"certificates, {what}: {rate:.0f} answers/s to {callers} callers, median {half / 1000:.2f} ms, p99 {most / 1000:.2f} ms, {bad} wrong or dropped of {requests}, {swaps - before} lists fetched, peak {int(peak) // 1024} MB", flush=True)
    return rate, most, bad


for _ in range(100):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=5)
        break
    except OSError:
        time.sleep(0.1)
try:
    time.sleep(max(0, began - time.time()))
    start = time.time()
    counts = ask_all()
    print(f"certificates, never seen: {len(leaves) / (time.time() - start):.0f} answers/s with twenty lists to fetch: {counts}", flush=True)
    time.sleep(max(0, began + EVERY - 5 - time.time()))
    before = swaps
    swapping = measure("lists swapped", seconds)
    fetched = swaps - before
    time.sleep(max(0, began + GENERATIONS * EVERY + 5 - time.time()))
    print(f"certificates, lists of the last generation: {ask_all()}", flush=True)
    quiet = measure("quiet", seconds)
finally:
    service.send_signal(signal.SIGTERM)
    service.wait(40)
    shutil.rmtree(folder)
faults = [what for what, wrong in [
    ("less than 10,000 answers a second", quiet[0] < 10_000),
    ("p99 while lists are swapped above twice the quiet one", swapping[1] > 2 * quiet[1]),
    ("answers wrong or dropped", swapping[2] + quiet[2] > 0),
    ("lists not swapped", fetched < 20),
] if wrong]
print("certificates:", "; ".join(faults) or "ok")
sys.exit(1 if faults else 0)
