"""What the webhooks of the portal bring, by the check of their signature in HubSpot's own library."""

import http.server
import json
import os
import threading
import time

from hubspot.utils.signature import Signature


class Receiver(http.server.BaseHTTPRequestHandler):
    seen = []
    wrong = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        signed = {
            "signature": self.headers["X-HubSpot-Signature-v3"],
            "client_secret": os.environ["CLIENT_SECRET"],
            "http_uri": os.environ["SIGNED_URL"],
            "http_method": "POST",
            "signature_version": "v3",
            "timestamp": self.headers["X-HubSpot-Request-Timestamp"],
        }
        if not Signature.is_valid(request_body=body, **signed) or Signature.is_valid(request_body=body + " ", **signed):
            Receiver.wrong.append(body)
        Receiver.seen.extend(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def start():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["RECEIVER_PORT"])), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def until(what, check):
    for _ in range(200):
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"{what} did not come")


def created(record):
    def came():
        return any(e["subscriptionType"] == "contact.creation" and str(e["objectId"]) == record for e in Receiver.seen)

    until("the webhook", came)
    assert not Receiver.wrong, "a signature does not fit"
