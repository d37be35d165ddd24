//! Starting a stack: ports first, because references resolve to them; then data, then functions, then work.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::serving::{Server, Servers, listen};
use super::{Stack, StackError, StackOptions};
use crate::clock::Clock;
use crate::event::{Observer, StackEvent};
use crate::front::{Front, Routes};
use crate::lambda::{Endpoints, Function, FunctionSetup};
use crate::mapper::{self, Mapping};
use crate::names::LocalNames;
use crate::secrets::{self, SecretStore};
use crate::sqs::{self, Broker};
use crate::template::{QueueSpec, Template};
use crate::{dynamodb, front, schedule};

pub(super) async fn start(options: StackOptions) -> Result<Stack, StackError> {
    let template = Template::parse(&options.template_text)?;
    let (front_listener, front_url) = listen(options.port).await?;
    let (sqs_listener, sqs_url) = listen(0).await?;
    let (dynamodb_listener, dynamodb_url) = listen(0).await?;
    let (secrets_listener, secrets_url) = listen(0).await?;
    let names = LocalNames {
        region: options.region.clone(),
        stack_name: options.stack_name.clone(),
        sqs_endpoint: sqs_url.clone(),
        front_url,
    };
    let endpoints = Endpoints { sqs: sqs_url, dynamodb: dynamodb_url, secrets: secrets_url };
    let resources = template.resolve(&options.parameters, &names)?;
    let observer = Observer(options.observer.clone());

    let data_lock = match &options.data {
        Some(data) => Some(lock_data(data).await?),
        None => None,
    };
    let file = |name: &str| options.data.as_ref().map(|directory| directory.join(name));
    let broker = open_queues(file("queues.sqlite"), &resources.queues, &names, &options, &observer).await?;
    let tables_file = file("tables.sqlite");
    let tables = resources.tables.clone();
    // SQLite blocks while it opens a file.
    let database = tokio::task::spawn_blocking(move || dynamodb::open(tables_file.as_deref(), &tables)).await;
    let database = database.map_err(|error| StackError::Data {
        path: options.data.clone().unwrap_or_default(),
        message: error.to_string(),
    })??;
    let store = SecretStore::new(&resources.secrets, &options.secrets, &names, &options.clock);

    let functions: BTreeMap<String, Arc<Function>> = resources
        .functions
        .iter()
        .map(|spec| {
            let setup = FunctionSetup {
                spec: spec.clone(),
                names: names.clone(),
                endpoints: options.between.told(&endpoints),
                extra_environment: extra_environment(&options, &spec.name),
                launcher: Arc::clone(&options.launcher),
                observer: observer.clone(),
                // Deadlines are for processes, which have the clock of the machine.
                clock: Clock::system(),
                default_concurrency: options.default_concurrency,
            };
            (spec.name.clone(), Arc::new(Function::new(setup)))
        })
        .collect();
    let routes = Routes::new(&resources.functions);
    let front = Front {
        routes: routes.clone(),
        functions: functions.clone(),
        clock: options.clock.clone(),
        observer: observer.clone(),
    };
    let servers = Servers {
        sqs: Server::routes(sqs_listener, sqs::router(broker.clone())),
        secrets: Server::routes(secrets_listener, secrets::router(store)),
        dynamodb: Server::database(dynamodb_listener, database.clone()),
        front: Server::routes(front_listener, front::router(Arc::new(front))),
        sweeper: tokio::spawn(dynamodb::sweep(database, observer.clone())),
    };
    let stop = watch::Sender::new(false);
    let workers = start_workers(&functions, &broker, &names, &options, &observer, &stop);
    Ok(Stack {
        resources,
        names,
        endpoints,
        routes,
        functions,
        broker,
        clock: options.clock,
        servers,
        workers,
        stop,
        _data_lock: data_lock,
    })
}

/// How long a stack waits for the one before it to let go of the data, which has ended or is about to.
///
/// A process that is being started holds all files of its parent until it is itself, under load for a while.
const DATA_PATIENCE: Duration = Duration::from_secs(3);

/// One stack per data directory. The lock goes with the process, however it ends.
async fn lock_data(directory: &Path) -> Result<File, StackError> {
    let fail = |message: String| StackError::Data { path: directory.to_path_buf(), message };
    std::fs::create_dir_all(directory).map_err(|error| fail(error.to_string()))?;
    let file = File::options().create(true).truncate(false).write(true).open(directory.join("lock"));
    let file = file.map_err(|error| fail(error.to_string()))?;
    let patient_until = Instant::now() + DATA_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < patient_until => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(TryLockError::WouldBlock) => return Err(fail("another stack is using it".to_owned())),
            Err(TryLockError::Error(error)) => return Err(fail(error.to_string())),
        }
    }
}

async fn open_queues(
    file: Option<PathBuf>,
    queues: &[QueueSpec],
    names: &LocalNames,
    options: &StackOptions,
    observer: &Observer,
) -> Result<Broker, StackError> {
    let (names, clock, observer) = (names.clone(), options.clock.clone(), observer.clone());
    let open = move || {
        Broker::open(file.as_deref(), names, clock, move |letter| {
            observer.tell(StackEvent::DeadLettered(letter));
        })
    };
    let broker = tokio::task::spawn_blocking(open).await.map_err(|error| StackError::Data {
        path: options.data.clone().unwrap_or_default(),
        message: error.to_string(),
    })??;
    for queue in queues {
        broker.deploy_queue(&queue.name, &queue.attributes).await.map_err(|source| StackError::Queue {
            line: queue.line,
            queue: queue.name.clone(),
            source,
        })?;
    }
    Ok(broker)
}

/// The caller's variables: those for every function, then those for this one.
fn extra_environment(options: &StackOptions, function: &str) -> BTreeMap<String, String> {
    let of = |key: &str| options.extra_environment.get(key).cloned().unwrap_or_default();
    let mut extra = of("*");
    extra.extend(of(function));
    extra
}

fn start_workers(
    functions: &BTreeMap<String, Arc<Function>>,
    broker: &Broker,
    names: &LocalNames,
    options: &StackOptions,
    observer: &Observer,
    stop: &watch::Sender<bool>,
) -> Vec<JoinHandle<()>> {
    let mut workers = Vec::new();
    let started = options.clock.now();
    for function in functions.values() {
        for source in function.spec().queue_sources().filter(|source| source.enabled) {
            let mapping = Mapping {
                source: source.clone(),
                function: Arc::clone(function),
                broker: broker.clone(),
                names: names.clone(),
                observer: observer.clone(),
            };
            workers.push(tokio::spawn(mapper::run(mapping, stop.subscribe())));
        }
        for found in function.spec().schedules().filter(|found| found.enabled && options.run_schedules) {
            workers.push(tokio::spawn(schedule::run(
                found.clone(),
                found.expression.first(started),
                Arc::clone(function),
                names.clone(),
                options.clock.clone(),
                observer.clone(),
                stop.subscribe(),
            )));
        }
    }
    workers
}
