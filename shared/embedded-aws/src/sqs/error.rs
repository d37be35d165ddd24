//! Errors as the queue service names them.

/// A refused request. The code is the one of the query protocol, which the SDKs read from `x-amzn-query-error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SqsError {
    /// Code, for example `AWS.SimpleQueueService.NonExistentQueue`.
    pub code: &'static str,
    /// The sentence for people.
    pub message: String,
}

impl SqsError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Shape name in the JSON protocol: the last part of the code, or the name that differs.
    pub(super) fn shape(&self) -> &str {
        match self.code {
            "AWS.SimpleQueueService.NonExistentQueue" => "QueueDoesNotExist",
            "QueueAlreadyExists" => "QueueNameExists",
            "InvalidParameterValue" => "InvalidParameterValueException",
            "MissingParameter" => "MissingRequiredParameterException",
            code => code.rsplit('.').next().unwrap_or(code),
        }
    }

    /// True when the service is at fault, not the caller.
    pub(super) fn is_internal(&self) -> bool {
        self.code == "InternalFailure"
    }

    pub(super) fn no_queue() -> Self {
        Self::new("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {parameter}."))
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    pub(super) fn invalid_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Self {
        Self::invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
    }

    pub(super) fn unknown_attribute(name: &str) -> Self {
        Self::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
    }

    pub(super) fn attribute_value(name: &str) -> Self {
        Self::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
    }

    pub(super) fn queue_exists(attribute: &str) -> Self {
        let message = "A queue already exists with the same name and a different value for attribute";
        Self::new("QueueAlreadyExists", format!("{message} {attribute}"))
    }

    pub(super) fn deleted_recently() -> Self {
        Self::new(
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        )
    }

    pub(super) fn purge_in_progress(queue: &str) -> Self {
        let message = format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds.");
        Self::new("AWS.SimpleQueueService.PurgeQueueInProgress", message)
    }

    pub(super) fn receipt_handle(handle: &str) -> Self {
        let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        Self::new("ReceiptHandleIsInvalid", message)
    }

    pub(super) fn receipt_handle_expired(handle: &str) -> Self {
        Self::invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")
    }

    /// An entry of a batch has another code for an expired handle than the request for one message, as observed
    /// (smaskalik/sqsmover issue 54).
    pub(super) fn in_delete_batch(self) -> Self {
        if self.message.ends_with("The receipt handle has expired.") {
            return Self::new("ReceiptHandleIsInvalid", "The receipt handle has expired");
        }
        self
    }

    pub(super) fn not_in_flight() -> Self {
        Self::new("AWS.SimpleQueueService.MessageNotInflight", "The message referred to isn't in flight.")
    }

    pub(super) fn over_limit() -> Self {
        Self::new("OverLimit", "Too many messages are in flight for this queue.")
    }

    pub(super) fn invalid_contents() -> Self {
        Self::new(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
             #xE000 to #xFFFD | #x10000 to #x10FFFF",
        )
    }

    pub(super) fn empty_batch(entry: &str) -> Self {
        let message = format!("There should be at least one {entry} in the request.");
        Self::new("AWS.SimpleQueueService.EmptyBatchRequest", message)
    }

    pub(super) fn too_many_entries(count: usize) -> Self {
        let message = format!("Maximum number of entries per request are 10. You have sent {count}.");
        Self::new("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", message)
    }

    pub(super) fn entry_id_repeated(id: &str) -> Self {
        Self::new("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", format!("Id {id} repeated."))
    }

    pub(super) fn entry_id() -> Self {
        Self::new(
            "AWS.SimpleQueueService.InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
             It can be at most 80 letters long.",
        )
    }

    pub(super) fn batch_too_long(bytes: usize, limit: usize) -> Self {
        Self::new(
            "AWS.SimpleQueueService.BatchRequestTooLong",
            format!("Batch requests cannot be longer than {limit} bytes. You have sent {bytes} bytes."),
        )
    }

    pub(super) fn no_task_queue() -> Self {
        Self::new(
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        )
    }

    pub(super) fn no_task() -> Self {
        Self::new("ResourceNotFoundException", "Task does not exist.")
    }

    pub(super) fn unsupported(operation: &str) -> Self {
        let message = format!("The operation {operation} is not supported by the embedded queue service.");
        Self::new("AWS.SimpleQueueService.UnsupportedOperation", message)
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    pub(super) fn storage(message: impl Into<String>) -> Self {
        Self::new("InternalFailure", message)
    }
}
