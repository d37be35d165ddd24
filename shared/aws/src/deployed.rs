//! A stack as CloudFormation tells it: for the command line, which works on deployed stacks by their names.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::error::DisplayErrorContext;

/// The stack cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the stack {stack}: {cause}")]
pub struct StackUnread {
    stack: String,
    cause: String,
}

/// The parameters that a stack was deployed with, and its outputs, by name; `None` if there is no such stack.
///
/// # Errors
/// CloudFormation refuses, does not know the name, or cannot be reached.
pub async fn parameters_and_outputs(stack: &str) -> Result<Option<BTreeMap<String, String>>, StackUnread> {
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).load().await;
    let client = aws_sdk_cloudformation::Client::new(&config);
    let answer = client.describe_stacks().stack_name(stack).send().await.map_err(|error| StackUnread {
        stack: stack.to_owned(),
        cause: DisplayErrorContext(&error).to_string(),
    })?;
    Ok(answer.stacks().first().map(|described| {
        let parameters = described.parameters().iter().map(|p| (p.parameter_key(), p.parameter_value()));
        let outputs = described.outputs().iter().map(|o| (o.output_key(), o.output_value()));
        let told = parameters.chain(outputs);
        told.filter_map(|(key, value)| Some((key?.to_owned(), value?.to_owned()))).collect()
    }))
}
