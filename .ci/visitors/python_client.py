"""Segment's library for Python, used as its documentation says."""

import os

import segment.analytics as analytics

failed = []
analytics.write_key = "wk_test"
analytics.host = os.environ["BRIDGE"]
analytics.on_error = lambda error, items: failed.append(error)
context = {"ip": "203.0.113.51", "consent": {"categoryPreferences": {"marketing": True}}}
analytics.identify(
    "segment-python",
    {"email": "segment.python@example.com", "first_name": "Petra", "last_name": "Python", "country": "ESP"},
    context=context,
)
analytics.track("segment-python", "Lead Captured", {"source": "webinar"}, context=context)
analytics.identify("refused", {"email": "refused@example.com"}, context={"consent": {"categoryPreferences": {"marketing": False}}})
analytics.shutdown()
if failed:
    raise SystemExit(f"the library reports {failed}")
