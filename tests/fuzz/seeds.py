#!/usr/bin/env python3
"""Writes first inputs for every fuzz target, from what the tests have recorded: seeds.py FOLDER"""
import json
import pathlib
import sys

WORKSPACE = pathlib.Path(__file__).resolve().parents[2]
CORPUS = pathlib.Path(sys.argv[1])
# Stands between the parts of an input, as in src/lib.rs.
BETWEEN = b"\0\0"


def files(folder):
    """All files of a folder of the workspace, with their bytes."""
    for path in sorted((WORKSPACE / folder).iterdir()):
        if path.is_file() and path.suffix != ".md":
            yield path.name, path.read_bytes()


def add(target, name, *parts):
    """Puts one input into the corpus of a target."""
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(BETWEEN.join(parts))


def as_json(content):
    """The JSON of a file, or nothing where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def maps_and_expressions():
    record = b'{"fields":{"core":{"email":{"value":"a@b.c"}}},"firstname":"Ana"}'
    for folder in ("shared/mapping/maps", "shared/mapping/fixtures/published"):
        for name, xml in files(folder):
            add("map", name, xml, record)
    # Some of thousands: the fuzzer finds the rest, and many inputs slow its start.
    for name, target, step in (("expressions", "expression", 4), ("inbound", "map", 20), ("outbound", "map", 20)):
        lines = (WORKSPACE / f"shared/mapping/fixtures/{name}.jsonl").read_text().splitlines()
        for case in map(json.loads, lines[::step]):
            text = case.get("expr") or case.get("map") or ""
            values = case.get("env") or case.get("source") or case.get("record") or {}
            add(target, case["id"], text.encode(), json.dumps(values).encode())


def webhooks():
    for name, body in files("shared/connector-mautic/fixtures/webhooks"):
        add("webhook_mautic", name, body, b"vn8SlOLbeZZD0hiThzVovi4PmbPer/g7+bRB3rrlz3M=")
    for name, exchange in files("shared/connector-signal/fixtures"):
        exchange = as_json(exchange)
        if exchange:
            add("webhook_signal", name, json.dumps(exchange["request"]["body"]).encode(), b"Bearer wk", b"\x08")
    for name, content in files("events"):
        add("envelopes", name, content)
        event = as_json(content) or {}
        body = (event.get("body") or "").encode()
        headers = {key.lower(): str(value).encode() for key, value in (event.get("headers") or {}).items()}
        header = lambda wanted: headers.get(wanted, b"")
        match name.split(".")[0]:
            case "webhook-mautic":
                add("webhook_mautic", name, body, header("webhook-signature"))
            case "webhook-corebos":
                add("webhook_corebos", name, body, header("x-bridge-key"))
            case "webhook-hubspot":
                add("webhook_hubspot", name, body, header("x-hubspot-signature-v3"), header("x-hubspot-request-timestamp"))
            case "webhook-campaign":
                query = event.get("rawQueryString", "").encode()
                for kind in range(4):
                    add("webhook_campaign", f"{name}-{kind}", bytes([kind]) + query, header("x-bridge-key"), body)
            case "webhook-signal":
                for kind in (0, 1, 8, 40):
                    add("webhook_signal", f"{name}-{kind}", body, b"Bearer wk", bytes([kind]))


def answers():
    """Answers, given to the calls that might get them: the first byte of an input is the call, the second says which
    answers are the input's, and each answer begins with its status and headers."""
    for target, folder in (
        ("answers_corebos", "shared/connector-corebos/fixtures"),
        ("answers_mautic", "shared/connector-mautic/fixtures/api"),
    ):
        for number, (name, exchange) in enumerate(files(folder)):
            exchange = as_json(exchange) or {}
            if "response" not in exchange:
                continue
            body = json.dumps(exchange["response"]["body"]).encode()
            for call in range(24):
                if (call + number) % 6 == 0:
                    add(target, f"{name}-{call}", bytes([call, 1 << (number // 6 % 6), 0, 1]) + body)
    stamp = "2026-11-21T02:24:27Z"
    bodies = [
        {"id": "7", "properties": {"email": "ana@example.org", "closedate": stamp, "dealstage": "won"}, "createdAt": stamp,
         "associations": {"companies": {"results": [{"id": "9", "type": "contact_to_company"}]}}},
        {"total": 1, "results": [{"id": "7", "name": "email", "type": "string", "fieldType": "text", "label": "x",
                                  "stages": [], "properties": {"email": "a@b.c"}}], "paging": {"next": {"after": "7"}}},
        {"id": 7, "username": "ana", "email": "a@b.c", "roles": ["subscriber"], "capabilities": {"read": True},
         "meta": {"mautic_contact_id": "47", "mautic_tags": ["a"]}, "registered_date": stamp},
        {"status": "error", "category": "VALIDATION_ERROR", "message": 'Property values were not valid: [{"name":"email"}]',
         "code": "rest_invalid_param", "data": {"status": 400, "params": {"email": "x"}}, "errors": [{"message": "x", "in": "email"}]},
    ]
    for call in range(16):
        for number, body in enumerate(bodies):
            for mask in (1, 2, 4, 255):
                status = 6 if number == 3 else 0
                for target in ("answers_hubspot", "answers_wordpress"):
                    add(target, f"{call}-{number}-{mask}", bytes([call, mask, status, 1]) + json.dumps(body).encode())


maps_and_expressions()
webhooks()
answers()
