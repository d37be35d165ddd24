//! DynamoDB: dynoxide in this process, with the tables of the template.

use std::path::Path;
use std::time::Duration;

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value as Json, json};

use crate::event::{Observer, StackEvent};
use crate::template::TableSpec;

/// How often expired items are deleted. DynamoDB itself takes up to days; readers must not rely on it either way.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// A database or table that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// The file cannot be opened.
    #[error("cannot open the tables in {path}: {message}")]
    Open {
        /// The file.
        path: String,
        /// What the database says.
        message: String,
    },
    /// A table of the template was refused.
    #[error("template line {line}: the table `{table}` was refused: {message}")]
    Refused {
        /// Line of the template.
        line: usize,
        /// Name of the table.
        table: String,
        /// What the database says.
        message: String,
    },
    /// The data directory holds the table with another layout.
    #[error(
        "the table `{table}` in the data directory has other keys or indexes than the template (line {line}); \
         use another data directory or delete this one"
    )]
    Changed {
        /// Line of the template.
        line: usize,
        /// Name of the table.
        table: String,
    },
}

/// Opens the database, in memory or in a file, and makes the tables.
pub(crate) fn open(file: Option<&Path>, tables: &[TableSpec]) -> Result<Database, TablesError> {
    let database = match file {
        None => Database::memory(),
        Some(file) => Database::new(&file.to_string_lossy()),
    };
    let database = database.map_err(|error| TablesError::Open {
        path: file.map_or_else(|| "memory".to_owned(), |file| file.display().to_string()),
        message: error.to_string(),
    })?;
    for table in tables {
        make(&database, table)?;
    }
    Ok(database)
}

fn make(database: &Database, table: &TableSpec) -> Result<(), TablesError> {
    let refused =
        |message: String| TablesError::Refused { line: table.line, table: table.name.clone(), message };
    let request: CreateTableRequest = serde_json::from_value(table.create.clone())
        .map_err(|error| refused(error.to_string().trim_start_matches("VALIDATION:").to_owned()))?;
    match database.create_table(request) {
        Ok(_) => {}
        Err(DynoxideError::ResourceInUseException(_)) => {
            let existing = database
                .describe_table(DescribeTableRequest { table_name: table.name.clone() })
                .map_err(|error| refused(error.to_string()))?;
            let existing =
                serde_json::to_value(existing.table).map_err(|error| refused(error.to_string()))?;
            if layout(&existing) != layout(&table.create) {
                return Err(TablesError::Changed { line: table.line, table: table.name.clone() });
            }
        }
        Err(error) => return Err(refused(error.to_string())),
    }
    if let Some(attribute) = &table.ttl_attribute {
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true},
        });
        let request: UpdateTimeToLiveRequest =
            serde_json::from_value(request).map_err(|error| refused(error.to_string()))?;
        match database.update_time_to_live(request) {
            Ok(_) => {}
            // Switched on by a former run.
            Err(DynoxideError::ValidationException(message)) if message.contains("already enabled") => {
                if message.contains("different attribute") {
                    return Err(TablesError::Changed { line: table.line, table: table.name.clone() });
                }
            }
            Err(error) => return Err(refused(error.to_string())),
        }
    }
    Ok(())
}

/// Keys and indexes in a form that can be compared, whatever the order.
fn layout(table: &Json) -> Json {
    let keys = |value: &Json| value.get("KeySchema").cloned().unwrap_or(Json::Null);
    let indexes = |kind: &str| {
        let mut indexes: Vec<Json> = table
            .get(kind)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .map(|index| json!([index.get("IndexName"), keys(index)]))
            .collect();
        indexes.sort_by_key(ToString::to_string);
        indexes
    };
    json!([keys(table), indexes("GlobalSecondaryIndexes"), indexes("LocalSecondaryIndexes")])
}

/// Deletes expired items for ever.
pub(crate) async fn sweep(database: Database, observer: Observer) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let database = database.clone();
        let result = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = result {
            observer
                .tell(StackEvent::Trouble { message: format!("expired items were not deleted: {error}") });
        }
    }
}
