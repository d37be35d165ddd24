//! The environment of a function's process: Lambda's variables, the template's, and next to nothing of the developer's.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::template::FunctionSpec;

/// Base URLs of the services, as the SDKs take them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// SQS.
    pub sqs: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// Secrets Manager.
    pub secrets: String,
}

/// Variables of this process that a child needs to run at all. Everything else stays behind, so that a function does
/// not work here by a variable that it will not have in the cloud, and never sees real credentials.
const INHERITED: [&str; 12] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
    "SystemRoot",
];

/// What this process passes on.
pub(super) fn inherited() -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|kept| name == kept)).collect()
}

/// Variables of a function, apart from the address of the Runtime API. Later ones win: Lambda's own, the template's,
/// the caller's, and at the end those that nobody may change.
pub(super) fn variables(
    spec: &FunctionSpec,
    region: &str,
    endpoints: &Endpoints,
    extra: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut put = |name: &str, value: &str| {
        variables.insert(name.to_owned(), value.to_owned());
    };
    put("TZ", ":UTC");
    put("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023");
    put("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    put("LAMBDA_TASK_ROOT", "/var/task");
    put("LAMBDA_RUNTIME_DIR", "/var/runtime");
    // Credentials that sign nothing, and tell who has called to whoever listens in between.
    put("AWS_ACCESS_KEY_ID", &spec.name);
    put("AWS_SECRET_ACCESS_KEY", "local");
    put("AWS_SESSION_TOKEN", "local");
    // Without this an SDK may ask the address of EC2's metadata service.
    put("AWS_EC2_METADATA_DISABLED", "true");
    for (name, value) in spec.environment.iter().chain(extra) {
        put(name, value);
    }
    put("_HANDLER", &spec.handler);
    put("AWS_REGION", region);
    put("AWS_DEFAULT_REGION", region);
    put("AWS_LAMBDA_FUNCTION_NAME", &spec.name);
    put("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    put("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &spec.memory_mb.to_string());
    put("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", spec.name));
    put("AWS_LAMBDA_LOG_STREAM_NAME", "local");
    put("AWS_ENDPOINT_URL_SQS", &endpoints.sqs);
    put("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb);
    put("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoints.secrets);
    variables
}
