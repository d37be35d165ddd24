//! The fields that both systems of a pair really have, for whoever checks a map against them.

use mapping::check::{FieldKind, Schema, SchemaField, Schemas, compile};
use model::{Direction, ObjectName, Side};
use sync::{Connector, ConnectorError, FieldShape, ListedField, PairSpec, Schema as _};

use crate::pairs::Systems;

/// The systems whose fields can be looked at. What is not there is taken from the lists of stock fields.
#[derive(Debug)]
pub struct Live<'s, H, R> {
    /// coreBOS.
    pub hub: Option<&'s H>,
    /// The other system.
    pub remote: Option<&'s R>,
}

impl<H, R> Clone for Live<'_, H, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H, R> Copy for Live<'_, H, R> {}

impl<'s, H, R> Live<'s, H, R> {
    /// Both.
    pub fn both(systems: &'s Systems<H, R>) -> Self {
        Self { hub: Some(&systems.hub), remote: Some(&systems.remote) }
    }
}

impl<H: Connector, R: Connector> Live<'_, H, R> {
    /// What a map is checked against.
    ///
    /// # Errors
    /// A system cannot be asked for its fields.
    pub async fn schemas(
        &self,
        spec: &PairSpec,
        direction: Direction,
        name: &str,
        xml: &str,
    ) -> Result<Schemas, ConnectorError> {
        let compiled = compile(name, xml.as_bytes()).ok();
        let bundled = compiled.as_ref().map(Schemas::bundled_for).unwrap_or_default();
        Ok(Schemas {
            source: self.side(spec, direction.source(), "record read", bundled.source).await?,
            target: self.side(spec, direction.target(), "record made", bundled.target).await?,
        })
    }

    async fn side(
        &self,
        spec: &PairSpec,
        side: Side,
        otherwise: &str,
        bundled: Option<Schema>,
    ) -> Result<Option<Schema>, ConnectorError> {
        let object = spec.object(side);
        let listed = match side {
            Side::Hub => fields_of(self.hub, &object).await?,
            Side::Remote => fields_of(self.remote, &object).await?,
        };
        Ok(match listed {
            Some(fields) => Some(Schema::live(bundled.as_ref(), otherwise, fields)),
            None => bundled,
        })
    }
}

async fn fields_of<C: Connector>(
    system: Option<&C>,
    object: &ObjectName,
) -> Result<Option<Vec<SchemaField>>, ConnectorError> {
    let Some(system) = system else { return Ok(None) };
    let listed = system.schema(object).await?.listed();
    Ok(listed.map(|fields| fields.into_iter().map(field).collect()))
}

fn field(listed: ListedField) -> SchemaField {
    let kind = match listed.shape {
        FieldShape::Text => FieldKind::Text,
        FieldShape::Email => FieldKind::Email,
        FieldShape::Number => FieldKind::Number,
        FieldShape::Boolean => FieldKind::Boolean,
        FieldShape::Date => FieldKind::Date,
        FieldShape::DateTime => FieldKind::DateTime,
        FieldShape::Time => FieldKind::Time,
        FieldShape::Picklist => FieldKind::Picklist,
        FieldShape::Multi => FieldKind::Multi,
        FieldShape::Reference => FieldKind::Reference,
        FieldShape::Owner => FieldKind::Owner,
    };
    SchemaField { name: listed.name, kind, required: listed.required, read_only: listed.read_only }
}
