"""A calling service's day against `oubliette demo --serve`, with code generated from proto/.

    python day.py served.txt      # served.txt: what `oubliette demo --serve` printed

It logs in, files a record, sends the same write again, takes it from a work list, reveals it, is
refused, changes it, and imports a few. What it prints holds no id and no token, so that it can be
compared line by line with `expected.txt`; every person in it is made up.
"""

import datetime
import os
import re
import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from oubliette.v1 import agents_pb2, agents_pb2_grpc, common_pb2, records_pb2, records_pb2_grpc


def say(text):
    print(text, flush=True)


def reason(error):
    """The stable reason of a refusal, and the refused fields: what a program decides by."""
    found, fields = error.code().name, []
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            found = info.reason
        elif detail.Unpack(bad):
            fields = [f"{v.field}: {v.description}" for v in bad.field_violations]
    return found, fields


def refused(what, call):
    """Makes a call that must be refused and tells why it was."""
    try:
        call()
    except grpc.RpcError as error:
        why, fields = reason(error)
        say(f"{what}: {error.code().name} / {why}")
        for field in fields:
            say(f"    {field}")
    else:
        say(f"{what}: WAS ANSWERED")


class Session:
    """One agent's session: its channel, and the token that goes with every call."""

    def __init__(self, address, agent, secret):
        self.channel = grpc.insecure_channel(address)
        agents = agents_pb2_grpc.AgentsStub(self.channel)
        login = agents.Login(agents_pb2.LoginRequest(agent=agent, secret=secret), timeout=30)
        self.metadata = [("authorization", f"Bearer {login.token}")]
        self.records = records_pb2_grpc.RecordsStub(self.channel)
        self.agents = agents

    def call(self, method, message):
        # Every call has a deadline: without one a lost answer is waited for for ever.
        return getattr(self.records, method)(message, metadata=self.metadata, timeout=30)

    def close(self):
        self.agents.Logout(agents_pb2.LogoutRequest(), metadata=self.metadata, timeout=30)
        self.channel.close()


def intent(purpose, request_id=b""):
    return common_pb2.Intent(purpose=purpose, request_id=request_id)


def value(given):
    """A Python value as the contract's: bool before int, because bool is an int in Python."""
    if isinstance(given, bool):
        return common_pb2.Value(boolean=given)
    if isinstance(given, int):
        return common_pb2.Value(integer=given)
    if isinstance(given, datetime.date):
        return common_pb2.Value(date=given.isoformat())
    return common_pb2.Value(text=given)


def named(values):
    return [common_pb2.NamedValue(name=name, value=value(v)) for name, v in values.items()]


def shown(field):
    """What may be seen of a field: never confuse what is hidden with what is not there."""
    status = common_pb2.FieldStatus.Name(field.status).removeprefix("FIELD_STATUS_")
    kind = field.value.WhichOneof("kind")
    # `class` is a word of Python's own: such a field is read by name.
    text = f"{getattr(field, 'class')}.{field.field}: {status}"
    return f"{text} {getattr(field.value, kind)}" if kind else text


def case(name, collected_on, request_id):
    return records_pb2.CreateRequest(
        intent=intent("p1", request_id),
        collection="cases",
        collected_on=collected_on,
        attributes=named({"territory": "reunion", "state": "new"}),
        fields=named(
            {
                "last_name": name,
                "first_names": "Océane",
                "birth_date": datetime.date(1951, 6, 12),
                "phone": "0692 99 00 01",
                "nir": "251069740203846",
            }
        ),
    )


def file_and_repeat(feed):
    described = feed.call("Describe", records_pb2.DescribeRequest())
    say(f"the feed is {described.caller.role} in {described.caller.territory}")
    say("collections: " + ", ".join(c.name for c in described.collections))
    verbs = {a.collection: list(a.verbs) for a in described.abilities if "create" in a.verbs}
    say(f"it may create in: {', '.join(sorted(verbs))}")

    # 16 bytes drawn once per write and kept until the answer is in hand.
    request_id = os.urandom(16)
    new = case("EXEMPLE-PYTHON", "2020-11-22", request_id)
    filed = feed.call("Create", new)
    say(f"filed: version {filed.version}, unreadable from {filed.expires_on} on")
    again = feed.call("Create", new)
    same = again.record_id == filed.record_id
    say(f"sent again: the same record {same}, repeated {again.repeated}")
    other = case("EXEMPLE-AUTRE", "2020-11-22", request_id)
    refused("another record under the same request id", lambda: feed.call("Create", other))

    reveal = records_pb2.RevealRequest(
        intent=intent("p1"), record_id=filed.record_id, classes=["identity"]
    )
    refused("the feed reveals what it filed", lambda: feed.call("Reveal", reveal))
    bad = case("EXEMPLE-FAUX", "2020-11-22", os.urandom(16))
    bad.fields.append(common_pb2.NamedValue(name="remark", value=value("?")))
    refused("a field that the pack does not know", lambda: feed.call("Create", bad))
    late = case("EXEMPLE-TARD", "2020-08-01", os.urandom(16))
    refused("a record past its date", lambda: feed.call("Create", late))

    assign = records_pb2.AssignRequest(
        intent=intent("p1", os.urandom(16)),
        record_id=filed.record_id,
        to=common_pb2.Assignee(unit="investigation-974"),
    )
    first, second = feed.call("Assign", assign), feed.call("Assign", assign)
    say(f"queued: version {first.version}; sent again: {second.version}, repeated {second.repeated}")
    return filed.record_id


def work(investigator, record_id):
    page = investigator.call(
        "Worklist",
        records_pb2.WorklistRequest(intent=intent("p2"), collection="cases", page_size=256),
    )
    mine = [item for item in page.items if item.record_id == record_id]
    say(f"on the work list: {len(mine)}")
    for attribute in mine[0].attributes:
        say(f"    {attribute.name}: {getattr(attribute.value, attribute.value.WhichOneof('kind'))}")
    revealed = investigator.call(
        "Reveal",
        records_pb2.RevealRequest(
            intent=intent("p2"), record_id=record_id, classes=["identity", "coordinates", "nir"]
        ),
    )
    say(f"revealed at version {revealed.version}:")
    for field in revealed.fields:
        say(f"    {shown(field)}")
    found = investigator.call(
        "Find",
        records_pb2.FindRequest(
            intent=intent("p2"), collection="cases", where=named({"phone": "+262 692 99 00 01"})
        ),
    )
    say(f"found by telephone: {found.record_ids[:] == [record_id]}")
    match = records_pb2.MatchRequest(
        intent=intent("p2"), record_id=record_id, field=named({"nir": "251069740203846"})[0]
    )
    say(f"the NIR is this one: {investigator.call('Match', match).matches}")

    def update(version):
        change = records_pb2.ValueChange(name="city", value=value("Exempleville"))
        return records_pb2.UpdateRequest(
            intent=intent("p2", os.urandom(16)),
            record_id=record_id,
            expected_version=version,
            fields=[change],
        )

    say(f"changed: version {investigator.call('Update', update(revealed.version)).version}")
    stale = update(revealed.version)
    refused("changed again from the old version", lambda: investigator.call("Update", stale))
    whole = records_pb2.RevealManyRequest(
        intent=intent("p2"), record_ids=[record_id, os.urandom(16)], classes=["coordinates"]
    )
    for item in investigator.call("RevealMany", whole).items:
        say(f"of two records: {'shown' if item.HasField('revealed') else item.reason}")


def import_some(feed):
    days = ["2020-11-20", "2020-07-01", "2020-11-22"]
    requests = [
        records_pb2.ImportRequest(position=n, record=case("EXEMPLE-LOT", day, os.urandom(16)))
        for n, day in enumerate(days, start=1)
    ]
    for attempt in ("imported", "imported again"):
        answers = feed.records.Import(iter(requests), metadata=feed.metadata, timeout=60)
        for answer in answers:
            if answer.HasField("created"):
                what = "filed before" if answer.created.repeated else "filed"
                say(f"{attempt} {answer.position}: {what}, until {answer.created.expires_on}")
            else:
                say(f"{attempt} {answer.position}: {answer.reason}")


def main(printed):
    text = open(printed, encoding="utf-8").read()
    address = re.search(r"^serving on (\S+)", text, re.M).group(1)
    secrets = dict(re.findall(r"^ +login +(\S+) +(\S+)$", text, re.M))
    feed = Session(address, "feed-974", secrets["feed-974"])
    record_id = file_and_repeat(feed)
    investigator = Session(address, "inv-974-01", secrets["inv-974-01"])
    work(investigator, record_id)
    import_some(feed)
    investigator.close()
    feed.close()
    reveal = records_pb2.RevealRequest(
        intent=intent("p2"), record_id=record_id, classes=["identity"]
    )
    with grpc.insecure_channel(address) as channel:
        records = records_pb2_grpc.RecordsStub(channel)
        ended = investigator.metadata
        refused("after the logout", lambda: records.Reveal(reveal, metadata=ended, timeout=30))


if __name__ == "__main__":
    main(sys.argv[1])
