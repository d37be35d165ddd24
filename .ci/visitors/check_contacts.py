"""What became of the visitors in the stand-in for Mautic."""

import base64
import json
import os
import time
import urllib.request

EXPECTED = {
    "segment.node@example.com": ("Nora", "Node", "United Kingdom"),
    "rudder.node@example.com": ("Rita", "Rudder", None),
    "segment.python@example.com": ("Petra", "Python", "Spain"),
}


def contacts():
    request = urllib.request.Request(os.environ["MAUTIC"] + "/api/contacts?limit=100")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"syncuser:mautic-password").decode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        listed = json.load(answer)["contacts"]
    return list(listed.values()) if isinstance(listed, dict) else listed


def seen(contact):
    fields = contact["fields"]["all"]
    return fields["email"], (fields["firstname"], fields["lastname"], fields["country"])


deadline = time.time() + 60
while True:
    found = dict(seen(contact) for contact in contacts())
    if found == EXPECTED or time.time() > deadline:
        break
    time.sleep(0.5)
assert found == EXPECTED, f"in Mautic: {found}"
everybody = contacts()
assert len(everybody) == len(EXPECTED), "somebody is there twice"
for contact in everybody:
    tags = [tag["tag"] for tag in contact["tags"]]
    assert tags == ["signal-marketing-consent"], tags
print(f"{len(everybody)} visitors are contacts, once each, with all that the clients said")
