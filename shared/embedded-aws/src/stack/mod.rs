//! The stack: everything of a template, running.

mod options;
mod serving;
mod start;
mod status;

pub use options::{Between, StackError, StackOptions};
pub use status::{FunctionStatus, QueueStatus, StackStatus};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::front::{Route, Routes};
use crate::lambda::{Endpoints, Function, InvokeAnswer, InvokeRefused, Waiting};
use crate::names::LocalNames;
use crate::schedule::scheduled_event;
use crate::sqs::{Broker, SqsError};
use crate::template::Resources;
use serving::Servers;

/// A template, running on this machine. Dropping it ends its processes abruptly; [`Stack::stop`] ends it well.
pub struct Stack {
    resources: Resources,
    names: LocalNames,
    endpoints: Endpoints,
    routes: Routes,
    functions: BTreeMap<String, Arc<Function>>,
    broker: Broker,
    clock: Clock,
    servers: Servers,
    /// Mappers and schedules.
    workers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    /// Held as long as the stack runs, so that a second one does not use the same data.
    _data_lock: Option<std::fs::File>,
}

impl Stack {
    /// Starts everything and answers when requests are served.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        start::start(options).await
    }

    /// Base URL of the HTTP front, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.names.front_url
    }

    /// Method, full URL and function of every route, in the order of the template.
    pub fn routes(&self) -> Vec<(String, String, String)> {
        let url = |route: &Route| match route.path.as_str() {
            "$default" => self.names.front_url.clone(),
            path => format!("{}{path}", self.names.front_url),
        };
        let routes = self.routes.all().iter();
        routes.map(|route| (route.method.clone(), url(route), route.function.clone())).collect()
    }

    /// Base URLs of the services.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Region that functions are told.
    pub fn region(&self) -> &str {
        &self.names.region
    }

    /// What was read from the template.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// URL of every queue of the template, by name.
    pub fn queue_urls(&self) -> BTreeMap<String, String> {
        let queues = self.resources.queues.iter();
        queues.map(|queue| (queue.name.clone(), self.names.queue_url(&queue.name))).collect()
    }

    /// What runs and what waits.
    pub fn status(&self) -> StackStatus {
        status::status(&self.functions, &self.broker)
    }

    /// Invokes a function by its name or logical id, and waits. Log lines come with the answer.
    pub async fn invoke(
        &self,
        function: &str,
        payload: &serde_json::Value,
    ) -> Result<InvokeAnswer, InvokeRefused> {
        let function = self.function(function)?;
        function.invoke(payload.to_string().into_bytes(), Waiting::Always, true).await
    }

    /// Fires every schedule of a function now, switched on or not, and waits for the answers.
    pub async fn tick_now(&self, function: &str) -> Result<Vec<InvokeAnswer>, InvokeRefused> {
        let function = self.function(function)?;
        let mut answers = Vec::new();
        for schedule in function.spec().schedules() {
            let payload = scheduled_event(schedule, &self.names, self.clock.now(), 1);
            answers.push(function.invoke(payload, Waiting::Always, true).await?);
        }
        Ok(answers)
    }

    /// Sends a text to a queue by its name; the id of the message.
    pub async fn send_message(
        &self,
        queue: &str,
        body: &str,
        group: Option<&str>,
        deduplication: Option<&str>,
    ) -> Result<String, SqsError> {
        self.broker.send_text(queue, body, group, deduplication).await
    }

    /// Stops: takes no more requests, polls no more queues, lets running invocations finish within the limit, ends
    /// the processes and closes the data. Work that did not finish in time stays in its queue.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.send_replace(true);
        self.servers.front.close(limit).await;
        let mut ending = JoinSet::new();
        for function in self.functions.values() {
            let function = Arc::clone(function);
            ending.spawn(async move { function.end(limit).await });
        }
        while ending.join_next().await.is_some() {}
        // Their functions have ended, so the mappers have seen the answers of their last batches.
        for worker in self.workers.drain(..) {
            let _ = worker.await;
        }
        self.servers.close_services().await;
    }

    fn function(&self, name: &str) -> Result<&Arc<Function>, InvokeRefused> {
        let by_id = || self.functions.values().find(|function| function.spec().logical_id == name);
        self.functions.get(name).or_else(by_id).ok_or_else(|| InvokeRefused::NoFunction(name.to_owned()))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for worker in &self.workers {
            worker.abort();
        }
        for function in self.functions.values() {
            function.abandon();
        }
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stack").field("front_url", &self.names.front_url).finish_non_exhaustive()
    }
}
