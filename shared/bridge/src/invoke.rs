//! `bridge invoke`: one invocation over the Runtime API, with the answer and the log.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::arguments::InvokeOptions;
use crate::config::Config;
use crate::local::{self, LocalOptions};
use crate::screen::{BAD, BOLD, DIM, line, styled};
use crate::{functions, simulated};

/// How long running work may take to finish at the end.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) async fn invoke(options: InvokeOptions) -> Result<ExitCode> {
    if !functions::names().any(|name| name == options.function) {
        let known = functions::names().collect::<Vec<_>>().join(", ");
        bail!("there is no function {}; there are {known}", options.function);
    }
    let event = read_event(&options.event, &options.function)?;
    let (config, _simulated) = if let Some(path) = &options.config {
        (Config::read(path)?, None)
    } else {
        let simulated = simulated::start_with_hubspot((0, 0, 0), None).await?;
        simulated.seed().await;
        (simulated::with_visitors(simulated.config()?)?, Some(simulated))
    };
    let local = local::start(&config, LocalOptions::default()).await?;
    let answer = local.stack.invoke(&options.function, &event).await?;
    line(&styled(BOLD, "answer"));
    match serde_json::from_slice::<Value>(&answer.payload) {
        Ok(value) => line(&format!("{value:#}")),
        Err(_) => line(&String::from_utf8_lossy(&answer.payload)),
    }
    line(&styled(BOLD, "log"));
    for log in &answer.log_lines {
        line(log);
    }
    let spent = answer.duration.as_millis();
    line(&styled(
        DIM,
        &format!("{} answered in {spent} ms, request {}", options.function, answer.request_id),
    ));
    local.stack.stop(GRACE).await;
    if let Some(error) = answer.error {
        line(&styled(BAD, &format!("the function failed: {error}")));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn read_event(path: &Path, function: &str) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| {
        let samples = samples_of(function);
        let hint =
            if samples.is_empty() { String::new() } else { format!("; there are {}", samples.join(", ")) };
        format!("cannot read {}{hint}", path.display())
    })?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// The sample events of a function, when the command runs in the project's folder.
fn samples_of(function: &str) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir("events") else { return Vec::new() };
    let mut samples: Vec<String> = folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&format!("{function}.")))
        .map(|name| format!("events/{name}"))
        .collect();
    samples.sort();
    samples
}
