"""Kills a serving vault with SIGKILL in the middle of erasures, over and over, and looks what came of them.

    python3 tests/tools/kill_erasures.py target/release/oubliette [--kills 200] [--seed 1]

Each round files three records, asks for the erasure of two of them in one call each, kills the server after
a random moment, starts it again and looks. Fails if a record whose erasure was acknowledged is readable, if
a filed record whose erasure was not asked for is not, or if a start fails. A kill proves nothing about a
power cut: the page cache survives it.
"""

import argparse
import datetime
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time

FEED, DESK, MEDIC = "feed-974", "desk-974", "med-974"
PACK = "policies/contact-tracing"
ROLES = {
    FEED: ["--service-account", "--role", "intake"],
    DESK: ["--role", "rights_desk"],
    MEDIC: ["--role", "medical_service", "--profession", "physician"],
}


class Vault:
    """A vault in a folder of its own, and the sessions of its people."""

    def __init__(self, program, home):
        self.program, self.home, self.server, self.address = program, home, None, None
        shutil.copytree(PACK, self.path("policy"))
        with open(self.path("policy/pack.toml"), "r+", encoding="utf-8") as pack:
            text = pack.read().replace('end_date = "2021-04-01"', 'end_date = "2099-04-01"')
            pack.seek(0)
            pack.write(text)
        self.secret("root.key", os.urandom(32))

    def path(self, name):
        return os.path.join(self.home, name)

    def secret(self, name, content):
        with open(os.open(self.path(name), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
        return self.path(name)

    def folders(self):
        return ["--data", self.path("data"), "--keys", self.path("a"), "--keys", self.path("b"),
                "--policy", self.path("policy"), "--key-file", self.path("root.key")]

    def run(self, *args):
        done = subprocess.run([self.program, *args], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def must(self, *args):
        code, out, err = self.run(*args)
        assert code == 0, f"{args}: {code}\n{out}{err}"
        return out

    def as_agent(self, agent, *args):
        return self.run(*args, "--session", self.path(f"session-{agent}"))

    def start(self):
        out = open(self.path("served"), "wb")
        command = [self.program, "serve", "--accept-swap", "--listen", "127.0.0.1:0", *self.folders()]
        self.server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        while True:
            with open(self.path("served"), encoding="utf-8") as said:
                text = said.read()
            found = re.search(r"^listening on (\S+)", text, re.M)
            if found:
                self.address = found.group(1)
                return
            assert self.server.poll() is None, f"the vault does not start:\n{text}"
            time.sleep(0.01)

    def kill(self):
        self.server.kill()
        self.server.wait()

    def login(self, agent, secret, new=None):
        args = ["login", agent, "--address", self.address, "--session", self.path(f"session-{agent}"),
                "--secret-file", self.secret(f"secret-{agent}", secret.encode())]
        if new:
            args += ["--new-secret-file", self.secret(f"new-{agent}", new.encode())]
        self.must(*args)

    def log_in_all(self):
        for agent in ROLES:
            self.login(agent, own(agent))


def own(agent):
    return f"{agent} counts 9 Green turtles"


def found(vault):
    said = json.loads(vault.must("init", *vault.folders(), "--key-admin", "keys-1", "--dpo", "dpo-1",
                                 "--yes", "--json"))
    vault.start()
    vault.login("keys-1", said["key_admin"]["one_time_secret"], own("keys-1"))
    until = (datetime.date.today() + datetime.timedelta(days=300)).isoformat()
    for agent, role in ROLES.items():
        code, out, err = vault.as_agent(
            "keys-1", "agent", "create", "--agent", agent, "--name", "Test (fictional)", *role,
            "--territory", "reunion", "--undertaking-on", "2020-01-01", "--from", "2020-01-01",
            "--to", until, "--authority", "Test (fictional)", "--json")
        assert code == 0, out + err
        vault.login(agent, json.loads(out)["one_time_secret"], own(agent))


def file_one(vault):
    today = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=4)).date()
    record = {"collection": "cases", "collected_on": today.isoformat(),
              "attributes": {"territory": "reunion", "state": "new"},
              "fields": {"last_name": "EXEMPLE", "first_names": "Fictif", "birth_date": "1970-01-01"}}
    path = vault.secret("record.json", json.dumps(record).encode())
    code, out, err = vault.as_agent(FEED, "create", "--purpose", "p1", "--file", path, "--json")
    assert code == 0, out + err
    return json.loads(out)["record"]


def readable(vault, record):
    code, out, err = vault.as_agent(
        MEDIC, "reveal", record, "--class", "identity", "--purpose", "p1", "--json")
    assert code == 0 or "NOT_AVAILABLE" in err, out + err
    return code == 0


def erase(vault, record):
    return subprocess.Popen(
        [vault.program, "erase", record, "--purpose", "p7", "--justification", "objection upheld",
         "--yes", "--json", "--session", vault.path(f"session-{DESK}")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("program")
    args.add_argument("--kills", type=int, default=200)
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    chance, began = random.Random(args.seed), time.monotonic()
    kept, erased, undone, finished = [], [], 0, 0
    with tempfile.TemporaryDirectory() as home:
        vault = Vault(os.path.abspath(args.program), home)
        found(vault)
        for _ in range(args.kills):
            stays, *go = [file_one(vault) for _ in range(3)]
            calls = [erase(vault, record) for record in go]
            time.sleep(chance.uniform(0, 0.04))
            vault.kill()
            answers = [call.communicate()[0] for call in calls]
            acknowledged = [call.returncode == 0 and json.loads(answer)["items"][0]["reason"] is None
                            for call, answer in zip(calls, answers)]
            vault.start()
            vault.log_in_all()
            kept.append(stays)
            assert readable(vault, stays), "a record that nobody erased is gone"
            for record, done in zip(go, acknowledged):
                there = readable(vault, record)
                assert not (done and there), "an acknowledged erasure came back"
                undone, finished = undone + there, finished + (not there and not done)
                (kept if there else erased).append(record)
        for record in chance.sample(kept, min(len(kept), 50)):
            assert readable(vault, record), "a kept record is gone at the end"
        for record in chance.sample(erased, min(len(erased), 50)):
            assert not readable(vault, record), "an erased record is back at the end"
        vault.kill()
    acknowledged = len(erased) - finished
    print(f"{args.kills} kills, seed {args.seed}, {time.monotonic() - began:.0f} s")
    print(f"of {2 * args.kills} erasures {acknowledged} were acknowledged, {finished} finished by a start "
          f"without having been, {undone} undone or never begun")
    print("nothing acknowledged was lost, nothing erased came back")


if __name__ == "__main__":
    main()
