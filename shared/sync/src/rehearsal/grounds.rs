//! A system as a push sees it: people, and the companies that they belong to.

use model::{Fields, ObjectName, RecordRef, System};

use crate::error::ConnectorError;
use crate::memory::{MemorySchema, MemorySystem};
use crate::ports::{Connector, Lookup, Reading, Record};

/// The field in which a contact names its company where the system keeps that elsewhere.
const KEPT_ELSEWHERE: &str = "primary-company";

/// A system with two objects.
#[derive(Clone, Debug)]
pub(crate) struct Grounds {
    pub(crate) people: MemorySystem,
    pub(crate) firms: MemorySystem,
}

impl Grounds {
    fn of(&self, object: &ObjectName) -> &MemorySystem {
        if self.firms.reference("").object == *object { &self.firms } else { &self.people }
    }
}

impl Connector for Grounds {
    type Schema = MemorySchema;

    fn system(&self) -> &System {
        self.people.system()
    }

    async fn identity(&self) -> Result<String, ConnectorError> {
        self.people.identity().await
    }

    async fn schema(&self, object: &ObjectName) -> Result<MemorySchema, ConnectorError> {
        self.of(object).schema(object).await
    }

    /// Who does not ask for an association that is kept elsewhere gets none.
    async fn read_with(&self, record: &RecordRef, asked: &[&str]) -> Result<Reading, ConnectorError> {
        let mut reading = self.of(&record.object).read_with(record, asked).await?;
        if let Reading::Found(record) | Reading::MergedInto(record) = &mut reading
            && !asked.contains(&KEPT_ELSEWHERE)
        {
            record.fields.remove(KEPT_ELSEWHERE);
        }
        Ok(reading)
    }

    async fn find(&self, object: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        let mut found = self.of(object).find(object, lookup).await?;
        for record in &mut found {
            record.fields.remove(KEPT_ELSEWHERE);
        }
        Ok(found)
    }

    async fn create(&self, object: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        self.of(object).create(object, values).await
    }

    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        self.of(&record.object).update(record, values).await
    }
    async fn archive(&self, record: &RecordRef) -> Result<(), ConnectorError> {
        self.of(&record.object).archive(record).await
    }
}
