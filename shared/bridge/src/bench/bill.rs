//! What AWS charges for: the prices, what is counted of a run, and what an idle month costs.
//!
//! List prices of us-east-1 without any free tier, as of November 2026; they are told at <https://aws.amazon.com/pricing/>
//! under API Gateway (HTTP API), Lambda (arm64), SQS (FIFO), DynamoDB (on demand, standard), CloudWatch, EventBridge
//! (Scheduler) and Secrets Manager.

use std::collections::BTreeMap;
use std::time::Duration;

/// A request to an HTTP API, up to 512 KB.
const GATEWAY_REQUEST: f64 = 1.00e-6;
/// An invocation.
const LAMBDA_REQUEST: f64 = 0.20e-6;
/// A second of a function with a gigabyte.
const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
/// A request to a FIFO queue, up to 64 KB.
const SQS_REQUEST: f64 = 0.50e-6;
/// A write request unit.
const WRITE_UNIT: f64 = 0.625e-6;
/// A read request unit.
const READ_UNIT: f64 = 0.125e-6;
/// A byte of logs taken in; a gigabyte is 2^30 of them.
const LOG_BYTE: f64 = 0.50 / 1_073_741_824.0;
/// A schedule that fires.
const SCHEDULED: f64 = 1.00e-6;
/// A request to Secrets Manager.
const SECRET_REQUEST: f64 = 0.05 / 10_000.0;
/// A secret, for a month.
const SECRET: f64 = 0.40;
/// An alarm on one metric, for a month.
const ALARM: f64 = 0.10;

/// SQS counts as many requests as there are pieces of so many bytes.
const SQS_PIECE_BYTES: usize = 64 * 1024;
/// What CloudWatch adds to each line. Source: `PutLogEvents`, "plus 26 bytes for each log event".
const LOG_LINE_BYTES: usize = 26;
/// The lines START, END and REPORT that Lambda writes about an invocation, with what is added to them.
const PLATFORM_LOG_BYTES: usize = 351;
/// The line that the API writes about a request, in the format of the template, with what is added to it.
const ACCESS_LOG_BYTES: usize = 330;

/// Minutes of a month of 30 days.
const MINUTES: f64 = 43_200.0;
/// How often Lambda's pollers ask a queue that is empty: five of them, every 20 s. Source: "Using Lambda with Amazon SQS",
/// developer guide: five pollers to begin with, and long polls; SQS ends one after 20 s.
const EMPTY_RECEIVES: f64 = 5.0 * 3.0 * MINUTES;
/// Polls that are due: every six minutes, the default.
const DUE_SHARE: f64 = 1.0 / 6.0;

/// What AWS has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bill {
    /// Requests to the API.
    pub(super) gateway_requests: f64,
    /// Invocations.
    pub(super) invocations: f64,
    /// Gigabytes times seconds, each invocation rounded up to a millisecond.
    pub(super) gb_seconds: f64,
    /// Requests to queues, those of the pollers for messages included.
    pub(super) sqs_requests: f64,
    /// Read request units.
    pub(super) read_units: f64,
    /// Write request units.
    pub(super) write_units: f64,
    /// Bytes of logs, with what AWS itself writes.
    pub(super) log_bytes: f64,
    /// Requests to Secrets Manager.
    pub(super) secret_requests: f64,
}

impl Bill {
    /// An invocation of a function with so much memory, which took so long.
    pub(super) fn invocation(&mut self, took: Duration, memory_mb: u32) {
        let milliseconds = (took.as_secs_f64() * 1000.0).ceil();
        self.invocations += 1.0;
        self.gb_seconds += milliseconds / 1000.0 * f64::from(memory_mb) / 1024.0;
        self.log_bytes += number(PLATFORM_LOG_BYTES);
    }

    /// A line of a function.
    pub(super) fn log_line(&mut self, line: &str) {
        self.log_bytes += number(line.len() + LOG_LINE_BYTES);
    }

    /// A request to the API.
    pub(super) fn gateway_request(&mut self) {
        self.gateway_requests += 1.0;
        self.log_bytes += number(ACCESS_LOG_BYTES);
    }

    /// A batch that a poller has received, and deleted where something was done.
    pub(super) fn batch(&mut self, deleted: usize) {
        self.sqs_requests += if deleted > 0 { 2.0 } else { 1.0 };
    }

    /// A request of so many bytes to a queue.
    pub(super) fn queue_request(&mut self, bytes: usize) {
        self.sqs_requests += number(bytes.div_ceil(SQS_PIECE_BYTES).max(1));
    }

    /// What has come on top since.
    pub(super) fn since(&self, before: &Self) -> Self {
        self.with(before, |now, before| now - before)
    }

    /// What it is for each of so many.
    pub(super) fn per(&self, count: usize) -> Self {
        self.with(&Self::default(), |all, _| all / number(count.max(1)))
    }

    /// Each part with its partner.
    fn with(&self, other: &Self, each: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            gateway_requests: each(self.gateway_requests, other.gateway_requests),
            invocations: each(self.invocations, other.invocations),
            gb_seconds: each(self.gb_seconds, other.gb_seconds),
            sqs_requests: each(self.sqs_requests, other.sqs_requests),
            read_units: each(self.read_units, other.read_units),
            write_units: each(self.write_units, other.write_units),
            log_bytes: each(self.log_bytes, other.log_bytes),
            secret_requests: each(self.secret_requests, other.secret_requests),
        }
    }

    /// The parts with their names, and what one of each costs.
    fn parts(&self) -> [(&'static str, f64, f64); 8] {
        [
            ("API Gateway requests", self.gateway_requests, GATEWAY_REQUEST),
            ("CloudWatch log bytes", self.log_bytes, LOG_BYTE),
            ("DynamoDB read units", self.read_units, READ_UNIT),
            ("DynamoDB write units", self.write_units, WRITE_UNIT),
            ("Lambda GB-ms", self.gb_seconds * 1000.0, LAMBDA_GB_SECOND / 1000.0),
            ("Lambda requests", self.invocations, LAMBDA_REQUEST),
            ("SQS requests", self.sqs_requests, SQS_REQUEST),
            ("Secrets Manager requests", self.secret_requests, SECRET_REQUEST),
        ]
    }

    /// Dollars.
    pub(super) fn dollars(&self) -> f64 {
        self.parts().iter().map(|(_, count, price)| count * price).sum()
    }

    /// The parts of one, and the dollars of a million.
    pub(super) fn figures(&self) -> BTreeMap<String, f64> {
        let counts = self.parts().map(|(name, count, _)| (name.to_owned(), count));
        let dollars = self
            .parts()
            .map(|(name, count, price)| (format!("USD per million: {name}"), count * price * 1e6));
        let all = [("USD per million".to_owned(), self.dollars() * 1e6)];
        counts.into_iter().chain(dollars).chain(all).collect()
    }
}

/// What of a template costs something while nothing happens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// Queues that a function is fed from.
    pub(super) queues: usize,
    /// Alarms.
    pub(super) alarms: usize,
    /// Functions that are called every minute.
    pub(super) polls: usize,
}

impl Standing {
    /// Dollars of a month, by what they are for. `due` and `not_due` are what one tick of one poll counts; one that is due
    /// reads its secret again besides, which functions keep for five minutes.
    pub(super) fn month(&self, due: &Bill, not_due: &Bill) -> BTreeMap<String, f64> {
        let ticks = number(self.polls) * MINUTES;
        let asked = (due.dollars() + SECRET_REQUEST) * DUE_SHARE + not_due.dollars() * (1.0 - DUE_SHARE);
        let parts = [
            (format!("{} alarms", self.alarms), number(self.alarms) * ALARM),
            ("one secret".to_owned(), SECRET),
            (
                format!("pollers of {} queues", self.queues),
                number(self.queues) * EMPTY_RECEIVES * SQS_REQUEST,
            ),
            (format!("ticks of {} polls", self.polls), ticks * (SCHEDULED + asked)),
        ];
        let all: f64 = parts.iter().map(|(_, dollars)| dollars).sum();
        let named = parts.into_iter().map(|(name, dollars)| (format!("USD a month: {name}"), dollars));
        named.chain([("USD a month".to_owned(), all)]).collect()
    }
}

/// The alarms that a template has where these conditions hold, read from its text: each stands after its type and
/// before its properties.
pub(super) fn alarms(template: &str, connected: &[&str]) -> usize {
    let mut lines = template.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        if line.trim() == "Type: AWS::CloudWatch::Alarm" {
            let condition = lines.peek().and_then(|next| next.trim().strip_prefix("Condition: "));
            count += usize::from(condition.is_none_or(|name| connected.contains(&name)));
        }
    }
    count
}

#[expect(clippy::cast_precision_loss, reason = "a count of bytes or requests is small")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::TEMPLATE;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn an_invocation_is_billed_by_the_millisecond_and_its_memory() {
        let mut bill = Bill::default();
        bill.invocation(Duration::from_micros(100_001), 256);
        assert!(close(bill.gb_seconds, 0.101 / 4.0) && close(bill.invocations, 1.0), "{bill:?}");
        bill.queue_request(64 * 1024);
        bill.queue_request(64 * 1024 + 1);
        bill.batch(3);
        bill.batch(0);
        assert!(close(bill.sqs_requests, 6.0), "{bill:?}");
        let twice = Bill { write_units: 6.0, ..Bill::default() };
        let once = twice.since(&Bill { write_units: 2.0, ..Bill::default() }).per(2);
        assert!(close(once.write_units, 2.0) && close(once.dollars(), 1.25e-6), "{once:?}");
        assert!(close(once.figures()["USD per million"], 1.25), "{:?}", once.figures());
    }

    #[test]
    fn alarms_are_counted_with_the_systems_they_are_for() {
        let all = TEMPLATE.matches("Type: AWS::CloudWatch::Alarm").count();
        let connected = ["HasHubspot", "HasSignal", "HasWordpress"];
        assert_eq!(alarms(TEMPLATE, &connected), all);
        let each: usize =
            connected.iter().map(|name| alarms(TEMPLATE, &[name]) - alarms(TEMPLATE, &[])).sum();
        assert_eq!(alarms(TEMPLATE, &[]) + each, all);
        assert!(each > 0, "no system has alarms of its own");
    }

    #[test]
    fn an_idle_month_has_its_arithmetic() {
        let standing = Standing { queues: 2, alarms: 11, polls: 2 };
        let month = standing.month(&Bill::default(), &Bill::default());
        assert!(close(month["USD a month: pollers of 2 queues"], 0.648), "{month:?}");
        // 1.10 for alarms, 0.40 for the secret, 0.0864 for the schedules, 0.072 for reading the secret 14,400 times.
        assert!(close(month["USD a month"], 0.648 + 1.1 + 0.4 + 0.0864 + 0.072), "{month:?}");
    }
}
