//! What is told about a failed AWS call: the operation and the service's error code, never an item or a body.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use sync::StoreError;

/// Error codes whose message is for an administrator and names only resources and actions.
const TELLING_CODES: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "ExpiredTokenException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
];

/// One sentence about a failed call, fit for logs.
pub(crate) fn describe<E, R>(operation: &str, error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match error {
        SdkError::TimeoutError(_) => format!("{operation}: no answer in time"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(cause) => format!("{operation}: no connection: {}", causes(cause)),
            None => format!("{operation}: no connection"),
        },
        SdkError::ConstructionFailure(_) => {
            format!(
                "{operation}: the request could not be made: {}",
                error.source().map(causes).unwrap_or_default()
            )
        }
        SdkError::ResponseError(_) => format!("{operation}: an answer that is not the service's"),
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("unknown error");
            match service.err().message() {
                Some(message) if TELLING_CODES.contains(&code) => format!("{operation}: {code}: {message}"),
                _ => format!("{operation}: {code}"),
            }
        }
        _ => format!("{operation}: failed"),
    }
}

/// The error of a port for a failed call.
pub(crate) fn store_error<E, R>(operation: &str, error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    StoreError { detail: describe(operation, error) }
}

/// The texts of an error and of what caused it, outermost first.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.dedup();
    texts.join(": ")
}

/// What a parser says about stored or secret text, as far as it can be told without telling a value.
///
/// Parsers quote what they found. Only the complaint that quotes nothing but a name of ours is passed on.
pub(crate) fn without_values(complaint: &str) -> &str {
    let name = complaint.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    match name {
        Some((name, _)) => {
            complaint.get(.."missing field ``".len() + name.len()).unwrap_or("an unexpected shape")
        }
        None => "an unexpected shape",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsers_complaint_never_shows_a_value() {
        assert_eq!(
            without_values("missing field `access_key` at line 1 column 2"),
            "missing field `access_key`"
        );
        assert_eq!(without_values("invalid type: string \"hunter2\", expected u64"), "an unexpected shape");
        assert_eq!(without_values("unknown field `hunter2`, expected `url`"), "an unexpected shape");
    }
}
