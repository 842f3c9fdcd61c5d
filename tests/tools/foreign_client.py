"""Calls a running `oubliette demo --serve` with Python's grpcio, from server reflection alone.

A client that is not ours and has no generated code: what works here works from any language.

    oubliette demo --serve > served.txt &
    python foreign_client.py served.txt

It reads the address, the sessions and the line to paste from what the demo printed, repeats that
line's call, is refused as it must be, and exits non-zero on the first surprise.
"""

import json
import re
import sys

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

SERVICES = {"Records", "Rights", "Retention", "Audit", "Agents", "Admin"}


def check(what, holds):
    print(("ok      " if holds else "WRONG   ") + what)
    if not holds:
        sys.exit(1)


class Vault:
    """A channel, and messages built from what the server says of itself."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)

    def call(self, method, request, token=None):
        service, name = method.split("/")
        described = self.pool.FindServiceByName(service).FindMethodByName(name)
        ask = message_factory.GetMessageClass(described.input_type)
        answer = message_factory.GetMessageClass(described.output_type)
        stub = self.channel.unary_unary(
            f"/{method}", ask.SerializeToString, answer.FromString
        )
        metadata = [("authorization", f"Bearer {token}")] if token else []
        found = stub(json_format.ParseDict(request, ask()), metadata=metadata, timeout=60)
        return json_format.MessageToDict(found)


def refused(vault, method, request, token=None):
    """The status code of a call that must fail, and its trailers as one text."""
    try:
        vault.call(method, request, token)
    except grpc.RpcError as error:
        trailers = b" ".join(
            v if isinstance(v, bytes) else v.encode() for _, v in error.trailing_metadata()
        )
        return error.code(), trailers.decode("latin-1")
    return None, ""


def main(printed):
    text = open(printed, encoding="utf-8").read()
    address = re.search(r"^serving on (\S+)", text, re.M).group(1)
    line = re.search(r"^grpcurl .*$", text, re.M).group(0)
    token = re.search(r"Bearer ([^']+)'", line).group(1)
    request = json.loads(re.search(r"-d '([^']+)'", line).group(1))
    tokens = dict(re.findall(r"^ +(\w+) +\S+ +(\S{43})$", text, re.M))
    vault = Vault(address)

    names = {s.rsplit(".", 1)[1] for s in vault.database.get_services() if ".v1." in s}
    check(f"reflection lists the services {', '.join(sorted(SERVICES))}", SERVICES <= names)

    shown = vault.call("oubliette.v1.Records/Reveal", request, token)
    fields = {f["field"]: f for f in shown["fields"]}
    statuses = {f["status"] for f in shown["fields"]}
    check(f"the pasted line reveals {len(fields)} fields", "FIELD_STATUS_VALUE" in statuses)
    check("some field is masked or denied", bool(statuses - {"FIELD_STATUS_VALUE", "FIELD_STATUS_ABSENT"}))

    code, _ = refused(vault, "oubliette.v1.Records/Reveal", request)
    check(f"without a token: {code}", code == grpc.StatusCode.UNAUTHENTICATED)
    code, details = refused(vault, "oubliette.v1.Records/Reveal", request, tokens["dpo"])
    check(f"the DPO sees no content: {code}", code == grpc.StatusCode.NOT_FOUND)
    check("and hears the one reason", "NOT_AVAILABLE" in details)
    code, details = refused(vault, "oubliette.v1.Rights/ExportSubject", {}, token)
    check(f"a method that is not built yet: {code}", code == grpc.StatusCode.UNIMPLEMENTED)
    check("says so", "NOT_BUILT_YET" in details)

    asked = {"record_id": request["record_id"], "page_size": 50}
    code, _ = refused(vault, "oubliette.v1.Audit/ListEvents", asked, token)
    check(f"an investigator does not read the log: {code}", code == grpc.StatusCode.PERMISSION_DENIED)
    events = vault.call("oubliette.v1.Audit/ListEvents", asked, tokens["dpo"])["events"]
    kinds = [e["kind"] for e in events]
    check(f"the DPO finds {kinds.count('reveal')} reveals of this record", kinds.count("reveal") >= 2)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1])
