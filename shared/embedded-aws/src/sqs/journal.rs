//! Durable queues: every change is committed to a database file before it is acknowledged.
//!
//! One thread writes. Changes that arrive while it commits go together into the next transaction, so many clients
//! share one write to the disk. Order is the order in which the changes were made, because they are handed over under
//! the lock of the queues.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;

use rusqlite::{Connection, Transaction, params};
use tokio::sync::oneshot;

use super::attributes::QueueAttributes;
use super::message::{Content, Delivery, Message};
use super::queue::{Change, Queue, Remembered};

/// Writes changes; dropping it ends its thread after what was handed over is written.
#[derive(Debug)]
pub(super) struct Journal {
    sender: Option<mpsc::Sender<Work>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

type Work = (Vec<Change>, oneshot::Sender<Result<(), String>>);

/// Layout of the tables; raised when it changes.
const VERSION: i64 = 1;

impl Journal {
    /// Opens or makes the file and reads the queues back.
    pub(super) fn open(path: &Path) -> Result<(Self, BTreeMap<String, Queue>), String> {
        let connection = prepare(path)
            .map_err(|error| format!("cannot open the queues in {}: {error}", path.display()))?;
        let queues = load(&connection)
            .map_err(|error| format!("cannot read the queues in {}: {error}", path.display()))?;
        let (sender, receiver) = mpsc::channel::<Work>();
        let thread = std::thread::Builder::new()
            .name("sqs-journal".to_owned())
            .spawn(move || write_all(connection, &receiver))
            .map_err(|error| format!("cannot start the thread that writes the queues: {error}"))?;
        Ok((Self { sender: Some(sender), thread: Some(thread) }, queues))
    }

    /// Hands changes over; the receiver answers when they are on disk.
    pub(super) fn write(&self, changes: Vec<Change>) -> oneshot::Receiver<Result<(), String>> {
        let (done, written) = oneshot::channel();
        if let Some(sender) = &self.sender {
            // A thread that has ended drops `done`, which the caller sees.
            let _ = sender.send((changes, done));
        }
        written
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS layout (version INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS queue (
             name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, attributes TEXT NOT NULL
         );
         CREATE TABLE IF NOT EXISTS message (
             queue TEXT NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL, delivery TEXT NOT NULL,
             PRIMARY KEY (queue, number)
         );
         CREATE TABLE IF NOT EXISTS remembered (
             queue TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (queue, key)
         );",
    )?;
    let version: Option<i64> =
        connection.query_row("SELECT max(version) FROM layout", [], |row| row.get(0))?;
    match version {
        Some(VERSION) => {}
        None => {
            connection.execute("INSERT INTO layout (version) VALUES (?1)", [VERSION])?;
        }
        Some(other) => {
            let message = format!("the file has layout {other}, this program writes {VERSION}");
            return Err(conversion_error(message));
        }
    }
    Ok(connection)
}

fn load(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Queue>> {
    let mut queues = BTreeMap::new();
    let mut statement = connection.prepare("SELECT name, created_ms, modified_ms, attributes FROM queue")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let attributes: QueueAttributes = from_json(&row.get::<_, String>(3)?)?;
        let mut queue = Queue::new(&name, attributes, row.get(1)?);
        queue.modified_ms = row.get(2)?;
        queues.insert(name, queue);
    }
    let mut statement = connection.prepare("SELECT queue, number, content, delivery FROM message")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = row.get::<_, i64>(1)?.unsigned_abs();
        let content: Content = from_json(&row.get::<_, String>(2)?)?;
        let delivery: Delivery = from_json(&row.get::<_, String>(3)?)?;
        if let Some(queue) = queues.get_mut(&row.get::<_, String>(0)?) {
            queue.messages.insert(Message { number, content, delivery });
        }
    }
    let mut statement = connection.prepare("SELECT queue, key, value FROM remembered")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let remembered: Remembered = from_json(&row.get::<_, String>(2)?)?;
        if let Some(queue) = queues.get_mut(&row.get::<_, String>(0)?) {
            queue.deduplication.insert(row.get(1)?, remembered);
        }
    }
    Ok(queues)
}

fn write_all(mut connection: Connection, receiver: &mpsc::Receiver<Work>) {
    // After a failure memory and disk differ, so nothing is acknowledged any more.
    let mut failure: Option<String> = None;
    while let Ok(first) = receiver.recv() {
        let mut work = vec![first];
        work.extend(receiver.try_iter());
        if failure.is_none()
            && let Err(error) = write_together(&mut connection, &work)
        {
            failure = Some(error.to_string());
        }
        for (_, done) in work {
            let result = failure.clone().map_or(Ok(()), Err);
            let _ = done.send(result);
        }
    }
}

fn write_together(connection: &mut Connection, work: &[Work]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (changes, _) in work {
        for change in changes {
            write_one(&transaction, change)?;
        }
    }
    transaction.commit()
}

fn write_one(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<()> {
        transaction.prepare_cached(sql)?.execute(values).map(|_| ())
    };
    match change {
        Change::Queue { name, created_ms, modified_ms, attributes } => run(
            "INSERT INTO queue (name, created_ms, modified_ms, attributes) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (name) DO UPDATE SET modified_ms = ?3, attributes = ?4",
            params![name, created_ms, modified_ms, to_json(attributes)?],
        ),
        Change::QueueGone { name } => {
            run("DELETE FROM queue WHERE name = ?1", params![name])?;
            run("DELETE FROM remembered WHERE queue = ?1", params![name])?;
            run("DELETE FROM message WHERE queue = ?1", params![name])
        }
        Change::Message { queue, number, content, delivery } => run(
            "INSERT OR REPLACE INTO message (queue, number, content, delivery) VALUES (?1, ?2, ?3, ?4)",
            params![queue, as_integer(*number), to_json(content)?, to_json(delivery)?],
        ),
        Change::Delivery { queue, number, delivery } => run(
            "UPDATE message SET delivery = ?3 WHERE queue = ?1 AND number = ?2",
            params![queue, as_integer(*number), to_json(delivery)?],
        ),
        Change::MessageGone { queue, number } => {
            run("DELETE FROM message WHERE queue = ?1 AND number = ?2", params![queue, as_integer(*number)])
        }
        Change::Purged { queue } => run("DELETE FROM message WHERE queue = ?1", params![queue]),
        Change::Remember { queue, key, remembered } => run(
            "INSERT OR REPLACE INTO remembered (queue, key, value) VALUES (?1, ?2, ?3)",
            params![queue, key, to_json(remembered)?],
        ),
        Change::Forget { queue, key } => {
            run("DELETE FROM remembered WHERE queue = ?1 AND key = ?2", params![queue, key])
        }
    }
}

/// Numbers are a thousand times a time in milliseconds; they fit until the year 292,000.
fn as_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| conversion_error(error.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| conversion_error(error.to_string()))
}

fn conversion_error(message: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(message.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::names::LocalNames;
    use crate::sqs::Broker;

    fn broker(file: &Path) -> Broker {
        let names = LocalNames {
            region: String::new(),
            stack_name: String::new(),
            sqs_endpoint: String::new(),
            front_url: String::new(),
        };
        Broker::open(Some(file), names, Clock::system(), |_| {}).unwrap()
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_before_it_is_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("queues.sqlite");
        let broker = broker(&file);
        broker.deploy_queue("q", &BTreeMap::new()).await.unwrap();
        // Somebody else writes, so the journal has to wait.
        let other = Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let sending = {
            let broker = broker.clone();
            tokio::spawn(async move { broker.send_text("q", "x", None, None).await })
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!sending.is_finished());
        other.execute_batch("COMMIT").unwrap();
        sending.await.unwrap().unwrap();
        let stored: i64 = other.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap();
        assert_eq!(stored, 1);
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_is_acknowledged_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("queues.sqlite");
        let broker = broker(&file);
        broker.deploy_queue("q", &BTreeMap::new()).await.unwrap();
        let other = Connection::open(&file).unwrap();
        other.execute_batch("ALTER TABLE message RENAME TO elsewhere").unwrap();
        assert_eq!(broker.send_text("q", "x", None, None).await.unwrap_err().code, "InternalFailure");
        other.execute_batch("ALTER TABLE elsewhere RENAME TO message").unwrap();
        assert_eq!(broker.send_text("q", "x", None, None).await.unwrap_err().code, "InternalFailure");
    }

    #[test]
    fn a_file_of_another_layout_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("queues.sqlite");
        drop(Journal::open(&file).unwrap());
        Connection::open(&file).unwrap().execute("UPDATE layout SET version = 99", []).unwrap();
        assert!(Journal::open(&file).unwrap_err().contains("layout 99"));
        std::fs::write(&file, "no database at all, but long enough to be taken for one").unwrap();
        assert!(Journal::open(&file).is_err());
    }
}
