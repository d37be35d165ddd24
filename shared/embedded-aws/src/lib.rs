//! A local stand-in for the AWS services that a SAM template of Lambda functions needs.
//!
//! Given `template.yaml` and a way to start each function, [`Stack::start`] serves the template's HTTP routes, queues,
//! tables, secrets and schedules on loopback, and runs every function as a process of its own over the real Lambda
//! Runtime API. The functions talk to SQS, DynamoDB and Secrets Manager with the real SDK over the real protocols, so
//! the code that runs here is the code that runs in the cloud. No account, no container, nothing to install.
//!
//! The crate knows no outside system and no function; everything comes from the template and from [`StackOptions`].
//!
//! # Where this differs from AWS
//!
//! Everything not in this list is meant to behave as AWS does; a difference that is not here is a defect.
//!
//! - **Access**: no signature, role, policy or encryption is checked. Everything listens on 127.0.0.1 over plain HTTP.
//! - **Template**: `AWS::Lambda::Function`, event source mappings, REST APIs, function URLs, authorizers, event filters
//!   and event types other than `HttpApi`, `SQS`, `Schedule` and `ScheduleV2` are errors. CORS settings, stages,
//!   throttling, alarms, roles and outputs are passed over. Names that AWS would make up are the logical ids. Of a
//!   parameter only its type and its allowed values are checked, not its pattern and bounds: what is asked for in the
//!   cloud, TLS for example, does not hold on one machine.
//! - **SQS**: counts are exact and a queue exists at once. Tags, permissions, `ReceiveRequestAttemptId` and the query
//!   (XML) protocol are not there. Dead letters are moved when a receive meets them, as in SQS, so `maxReceiveCount` is
//!   noticed at the next receive. A move task is done when it is answered. Throughput quotas are not enforced. After a
//!   deletion a queue's name is blocked for 60 s, but not over a restart.
//! - **DynamoDB**: what dynoxide does. Expired items are deleted every 30 s rather than within days. Every table is
//!   on demand, whatever the template says.
//! - **Secrets Manager**: `GetSecretValue`, `PutSecretValue` and `DescribeSecret`, in memory only: a stored value is
//!   gone after a restart. `GenerateSecretString` makes nothing.
//! - **Lambda**: memory is told, not enforced. Two processes per function unless the template says otherwise (AWS:
//!   1,000 in all); without a reserved concurrency a caller waits for a free process instead of being refused. A start
//!   may take ten seconds and the function's timeout together before it counts as timed out, and is not tried again
//!   within the same invocation. Processes stay until the stack ends. Streaming answers, layers, the Telemetry API and
//!   extensions as programs of their own are not there. Events that failed all retries are dropped; destinations and
//!   dead-letter queues of functions are not served. A function sees only Lambda's variables, those of the template
//!   and a few of the machine (`PATH`, `HOME`, ...).
//! - **Event source mapping**: one poller per source, with as many batches under way as the function has concurrency.
//!   There is no scaling up over minutes, and no pause of a source whose function keeps failing.
//! - **HTTP API**: path variables and routes are matched on the decoded path. The 10,240 byte limit on headers is
//!   not enforced, the server's own (about 400 kB) is. `X-Forwarded-Proto` is `http`.
//! - **Schedules**: fire to the second instead of within the minute. Flexible windows, start and end dates, groups and
//!   retry policies of EventBridge itself are not there; a firing missed while the machine slept is made up for by one.
//! - **Stopping** while a queue is being polled can take a message that nobody handles; it comes again after its
//!   visibility, with its count one higher.
//! - **Ending with the parent**: when the program that holds the stack is killed, a function's process ends as soon as
//!   it asks for its next event or reports an answer. One that hangs inside its own code is not ended.

mod clock;
mod dynamodb;
mod event;
mod front;
mod lambda;
mod mapper;
mod names;
pub mod schedule;
mod secrets;
pub mod sqs;
mod stack;
pub mod template;

pub use clock::Clock;
pub use dynamodb::TablesError;
pub use event::StackEvent;
pub use front::Route;
pub use lambda::{
    Endpoints, FunctionError, InvokeAnswer, InvokeRefused, Launcher, MAX_ASYNCHRONOUS_BYTES,
    MAX_SYNCHRONOUS_BYTES,
};
pub use names::{ACCOUNT_ID, DEFAULT_REGION, LocalNames};
pub use stack::{Between, FunctionStatus, QueueStatus, Stack, StackError, StackOptions, StackStatus};
pub use template::FunctionSpec;
