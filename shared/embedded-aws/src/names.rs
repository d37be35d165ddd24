//! Names of things as the stack gives them: account, region, ARNs, queue URLs.

/// The account number in every ARN. The one that local emulators commonly use; AWS gives it to nobody.
pub const ACCOUNT_ID: &str = "000000000000";

/// The region in every ARN and in the functions' environment, unless the options say otherwise.
pub const DEFAULT_REGION: &str = "us-east-1";

/// What `!Ref`, `!GetAtt` and `!Sub` need to know of the place where the stack runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalNames {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::StackName`.
    pub stack_name: String,
    /// Base URL of the queue service, without a slash at its end.
    pub sqs_endpoint: String,
    /// Base URL of the HTTP front, without a slash at its end.
    pub front_url: String,
}

impl LocalNames {
    /// ARN of a queue.
    pub fn queue_arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT_ID}:{queue}", self.region)
    }

    /// URL of a queue.
    pub fn queue_url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT_ID}/{queue}", self.sqs_endpoint)
    }

    /// ARN of a table.
    pub fn table_arn(&self, table: &str) -> String {
        format!("arn:aws:dynamodb:{}:{ACCOUNT_ID}:table/{table}", self.region)
    }

    /// ARN of a function.
    pub fn function_arn(&self, function: &str) -> String {
        format!("arn:aws:lambda:{}:{ACCOUNT_ID}:function:{function}", self.region)
    }

    /// ARN of a secret. AWS ends it with a hyphen and six random characters; here they are a hash of the name, so
    /// that the ARN is the same after a restart.
    pub fn secret_arn(&self, secret: &str) -> String {
        format!(
            "arn:aws:secretsmanager:{}:{ACCOUNT_ID}:secret:{secret}-{}",
            self.region,
            six_characters(secret)
        )
    }
}

fn six_characters(name: &str) -> String {
    use sha2::{Digest, Sha256};
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    Sha256::digest(name.as_bytes())
        .iter()
        .take(6)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}
