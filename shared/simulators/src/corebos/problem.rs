//! What goes wrong inside the stand-in, and the codes and texts coreBOS has for it.

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// An error envelope, HTTP status 200.
    Refusal { code: &'static str, message: String },
    /// PHP died: HTTP status 500, no body.
    Crash,
}

impl Problem {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refusal { code, message: message.into() }
    }

    pub(crate) fn denied() -> Self {
        Self::new("ACCESS_DENIED", "Permission to perform the operation is denied")
    }

    /// The denial that names what was asked for: a module, an id prefix, or the word `query`.
    pub(crate) fn denied_for(what: &str) -> Self {
        Self::new("ACCESS_DENIED", format!("Permission to perform the operation is denied for {what}"))
    }

    pub(crate) fn wrong_id() -> Self {
        Self::new("INVALID_ID_ATTRIBUTE", "Id specified is incorrect")
    }

    pub(crate) fn missing(label: &str, field: &str) -> Self {
        Self::new("MANDATORY_FIELDS_MISSING", format!("{label} ({field}) does not have a value"))
    }

    pub(crate) fn invalid_reference(field: &str) -> Self {
        Self::new("REFERENCE_INVALID", format!("Invalid reference specified for {field}"))
    }

    pub(crate) fn database() -> Self {
        Self::new("DATABASE_QUERY_ERROR", "Database error while performing requested operation")
    }

    pub(crate) fn unknown_error() -> Self {
        Self::new("INTERNAL_SERVER_ERROR", "Unknown Error while processing request")
    }

    pub(crate) fn login_needed() -> Self {
        Self::new("AUTHENTICATION_REQUIRED", "Authentication required")
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::new("UNKNOWN_OPERATION", "Unknown operation requested")
    }

    /// The operation exists in coreBOS and the stand-in does not play it; listed in the module documentation.
    pub(crate) fn not_simulated(what: &str) -> Self {
        Self::new("OPERATION_NOT_SUPPORTED", format!("not simulated: {what}"))
    }

    pub(crate) fn bad_owner() -> Self {
        Self::new("INVALID_ID_ATTRIBUTE", "Invalid owner of the record")
    }
}
