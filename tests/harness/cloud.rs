//! A CloudFormation that knows one stack, so that the command line finds the stack of a story by its name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers `DescribeStacks` for any name with these outputs, and gives its URL. It ends with the runtime.
///
/// # Panics
/// There is no free port.
pub async fn cloud_formation(outputs: &BTreeMap<&str, String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.unwrap_or_else(|error| panic!("no free port: {error}"));
    let url = listener.local_addr().map(|address| format!("http://{address}"));
    let answer = described(outputs);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                // The request is short and comes at once; what it asks for is known.
                let mut request = [0; 16_384];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url.unwrap_or_else(|error| panic!("no address: {error}"))
}

/// The answer in the form of the API's reference: `DescribeStacks`.
fn described(outputs: &BTreeMap<&str, String>) -> String {
    let mut members = String::new();
    for (key, value) in outputs {
        let _ = write!(
            members,
            "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        );
    }
    let body = format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>bridge-prod</StackName><CreationTime>2026-11-21T00:00:00Z</CreationTime>\
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{members}</Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    );
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
