//! Log lines: `{"timestamp", "level", "function", "message", ...fields}`, with the fields of the spans around them.
//!
//! Field names are fixed: `change.id`, `record.system`, `record.object`, `record.id`, `outcome`, `duration_ms`,
//! `message.id`, `reason`; `request.id` is the invocation's. An event's own field goes before one of a span.

use std::fmt::Debug;
use std::io::Write;

use serde_json::{Map, Value};
use sync::Clock;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Writes log lines.
#[derive(Debug)]
pub struct JsonLines<W, C> {
    function: String,
    writer: W,
    clock: C,
}

impl<W, C> JsonLines<W, C> {
    /// Lines of `function` to `writer`.
    pub fn new(function: &str, writer: W, clock: C) -> Self {
        Self { function: function.to_owned(), writer, clock }
    }
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl<S, W, C> Layer<S> for JsonLines<W, C>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
    C: Clock + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Map::new();
        attributes.record(&mut Fields(&mut fields));
        span.extensions_mut().insert(SpanFields(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(SpanFields(fields)) = span.extensions_mut().get_mut() {
            values.record(&mut Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                line.extend(fields.clone());
            }
        }
        event.record(&mut Fields(&mut line));
        line.insert("timestamp".to_owned(), format!("{:.3}", self.clock.now()).into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("function".to_owned(), self.function.as_str().into());
        write_line(&self.writer, line);
    }
}

/// Writes one object as one line, at once. Where standard output is gone there is nobody to tell.
pub(super) fn write_line<W: for<'w> MakeWriter<'w>>(writer: &W, line: Map<String, Value>) {
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    let _ = writer.make_writer().write_all(text.as_bytes());
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        // The Lambda runtime's span has names of its own.
        let name = match field.name() {
            "requestId" => "request.id",
            "xrayTraceId" => "trace.id",
            name => name,
        };
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// A clock that stands.
    pub(crate) struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            "2026-11-21T08:00:00.25Z".parse().unwrap()
        }

        async fn sleep(&self, _duration: Duration) {}
    }

    /// Keeps what is written.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that were written.
    pub(crate) fn lines(written: &Written) -> Vec<Value> {
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_is_one_line_with_the_fields_around_it() {
        let written = Written::default();
        let writer = written.clone();
        let layer = JsonLines::new("push-corebos", move || writer.clone(), Standing);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let invocation =
                tracing::info_span!("Lambda runtime invoke", requestId = "r-1", xrayTraceId = "t-1");
            let _invoked = invocation.enter();
            let span = tracing::info_span!("change", change.id = "req-1/0", outcome = tracing::field::Empty);
            let _entered = span.enter();
            span.record("outcome", "updated");
            tracing::info!(
                duration_ms = 12_u128,
                is = true,
                share = 0.5,
                signed = -1,
                "line\nbreak \"quoted\""
            );
            tracing::warn!(change.id = "other", reason = %"why");
        });
        let expected = [
            json!({
                "timestamp": "2026-11-21T08:00:00.250Z", "level": "INFO", "function": "push-corebos",
                "request.id": "r-1", "trace.id": "t-1", "change.id": "req-1/0", "outcome": "updated", "duration_ms": 12, "is": true, "share": 0.5,
                "signed": -1, "message": "line\nbreak \"quoted\"",
            }),
            json!({
                "timestamp": "2026-11-21T08:00:00.250Z", "level": "WARN", "function": "push-corebos",
                "request.id": "r-1", "trace.id": "t-1", "change.id": "other", "outcome": "updated", "reason": "why",
            }),
        ];
        assert_eq!(lines(&written), expected);
    }
}
