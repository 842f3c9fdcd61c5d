"""Imports 100,000 synthetic records and measures how much client and server grow.

    python3 tests/tools/import_memory.py target/release/oubliette

Two processes of the built program: `demo --serve` is the server, `oubliette import` the client. Growth is
the server's highest resident size during the import less its size before, and the client's highest
resident size in all. Fails above the bound, or if a record was not filed exactly once.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time

RECORDS = 100_000
SEEDS = (2, 3)
TERRITORY, FEED, COLLECTION, PURPOSE = "reunion", "feed-974", "contacts", "p2"
BOUND_MIB = 300


def resident(pid, what):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(rf"^{what}:\s+(\d+) kB", status.read(), re.M).group(1)) // 1024


def sample(program, path):
    """So many lines of one territory, each with a request id of its own."""
    marked, written = f'"territory":"{TERRITORY}"'.encode(), 0
    with open(path, "wb") as out:
        for seed in SEEDS:
            made = subprocess.Popen(
                [program, "sample", "--cases", "25000", "--seed", str(seed),
                 "--collection", COLLECTION, "--out", "-"],
                stdout=subprocess.PIPE,
            )
            for line in made.stdout:
                if marked in line and written < RECORDS:
                    out.write(line)
                    written += 1
            made.wait()
    assert written == RECORDS, written
    return os.path.getsize(path)


def serve(program, printed):
    server = subprocess.Popen([program, "demo", "--serve"], stdout=open(printed, "wb"), stderr=subprocess.STDOUT)
    while True:
        text = open(printed, encoding="utf-8").read()
        found = re.search(r"^serving on (\S+)", text, re.M)
        if found:
            return server, found.group(1), dict(re.findall(r"^ +login +(\S+) +(\S+)$", text, re.M))
        assert server.poll() is None, text
        time.sleep(0.2)


def main(program):
    program = os.path.abspath(program)
    with tempfile.TemporaryDirectory() as folder:
        path, session = os.path.join(folder, "records.ndjson"), os.path.join(folder, "session")
        size = sample(program, path)
        print(f"{RECORDS} records of {COLLECTION}, seeds {SEEDS}, {size / 2**20:.0f} MiB of NDJSON")
        server, address, secrets = serve(program, os.path.join(folder, "served.txt"))
        try:
            secret = os.path.join(folder, "secret")
            with open(secret, "w", encoding="ascii") as out:
                out.write(secrets[FEED])
            os.chmod(secret, 0o600)
            subprocess.run(
                [program, "login", FEED, "--address", address, "--session", session, "--secret-file", secret],
                check=True, stdout=subprocess.DEVNULL,
            )
            before = resident(server.pid, "VmRSS")
            with open(f"/proc/{server.pid}/clear_refs", "w", encoding="ascii") as reset:
                reset.write("5")
            began = time.monotonic()
            done = subprocess.run(
                [program, "import", "--collection", COLLECTION, "--purpose", PURPOSE,
                 "--session", session, path],
                capture_output=True, text=True, check=False,
            )
            took = time.monotonic() - began
            peak = resident(server.pid, "VmHWM")
            client = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            print(done.stdout.strip() or done.stderr.strip()[-500:])
            again = subprocess.run(
                [program, "import", "--collection", COLLECTION, "--purpose", PURPOSE,
                 "--session", session, "--json", path],
                capture_output=True, text=True, check=False,
            )
            print(f"once more: {again.stdout.strip()}")
        finally:
            server.terminate()
            server.wait()
        print(f"{took:.1f} s, {RECORDS / took:.0f} records/s")
        print(f"server: {before} MiB before, {peak} MiB at most: grew {peak - before} MiB")
        print(f"client: {client} MiB at most")
        print(f"together: {peak - before + client} MiB, bound {BOUND_MIB} MiB")
        if done.returncode != 0 or again.returncode != 0:
            sys.exit("an import failed")
        if peak - before + client >= BOUND_MIB:
            sys.exit("over the bound")


if __name__ == "__main__":
    main(sys.argv[1])
