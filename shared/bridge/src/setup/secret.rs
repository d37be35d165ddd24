//! Fresh secrets, and where they are kept.

use anyhow::{Context, Result};
use aws::SecretString;
use aws::config::SystemConfig;
use aws::secrets::ExposeSecret;
use serde_json::{Value, json};

use crate::local::SECRET;
use crate::stack::Stack;

/// 64 hexadecimal digits, 244 bits of them from the random numbers of the operating system. Mautic's own secrets look
/// the same.
pub(super) fn fresh() -> SecretString {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    (half() + &half()).into()
}

/// The secrets of a member of a system's secret that are not blank, the current one first.
pub(super) async fn live(stack: &Stack, config: &SystemConfig, member: &str) -> Result<Vec<SecretString>> {
    let secret: serde_json::Map<String, Value> = stack.secrets().secret(&config.secret).await?;
    let listed = secret.get(member).and_then(Value::as_array).into_iter().flatten();
    let texts = listed.filter_map(Value::as_str).filter(|text| !text.is_empty());
    Ok(texts.map(|text| SecretString::from(text.to_owned())).collect())
}

/// A member of a system's secret that is one secret; none where it is blank or not there.
pub(super) async fn single(stack: &Stack, config: &SystemConfig, member: &str) -> Result<Vec<SecretString>> {
    let secret: serde_json::Map<String, Value> = stack.secrets().secret(&config.secret).await?;
    let text = secret.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(text.map(|text| SecretString::from(text.to_owned())).into_iter().collect())
}

/// Stores a new secret as the current one; the one in use stays valid beside it.
pub(super) async fn store(
    stack: &Stack,
    config: &SystemConfig,
    member: &str,
    new: &SecretString,
    in_use: Option<&SecretString>,
) -> Result<()> {
    let both = json!(list(new, in_use));
    let change = |members: &mut serde_json::Map<String, Value>| {
        members.insert(member.to_owned(), both);
    };
    stack
        .secrets()
        .change(&config.secret, change)
        .await
        .with_context(|| format!("{member} of {} cannot be stored; nothing has been changed", config.system))
}

fn list<'s>(new: &'s SecretString, in_use: Option<&'s SecretString>) -> Vec<&'s str> {
    std::iter::once(new).chain(in_use).map(ExposeSecret::expose_secret).collect()
}

/// The line for `bridge.toml`, where the stack is the one of this machine: it forgets its secrets when it ends, and
/// there is no other place to take them from.
pub(super) fn line_for_the_file(
    config: &SystemConfig,
    member: &str,
    new: &SecretString,
    in_use: Option<&SecretString>,
) -> Option<String> {
    let is_local = config.secret.arn == SECRET;
    let table = config.system.kind().as_str();
    is_local.then(|| {
        let listed = list(new, in_use).join("\", \"");
        format!(
            "the stack of this machine forgets it when it ends; put it into bridge.toml, below [{table}]:\n\
             {member} = [\"{listed}\"]"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_secrets_are_long_and_never_the_same() {
        let (one, other) = (fresh(), fresh());
        assert_eq!(one.expose_secret().len(), 64);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
