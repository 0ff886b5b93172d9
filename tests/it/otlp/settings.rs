//! The flag, the file and the variables of OpenTelemetry.

use std::fs;
use std::path::Path;

use plexy_tests::eventually;
use plexy_tests::tool::{Output, Tool};

use super::faulty::{Fault, Faulty};
use super::plexyd;
use super::receiver::Receiver;
use crate::process::PLEXYD;

/// Looks whether these arguments are good, with these variables.
async fn check(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let path = Path::new(PLEXYD);
    let name = path.file_name().unwrap().to_str().unwrap();
    let tool = Tool::find_in([path.parent().unwrap().to_owned()], name, "plexy").unwrap();
    let run = tool.run([&["--check"], arguments].concat());
    variables.iter().fold(run, |run, (name, value)| run.env(*name, *value)).output().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_told_before_anything_begins() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    for (variables, told) in [
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a")][..], "`OTEL_EXPORTER_OTLP_ENDPOINT`: "),
        (&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "`OTEL_EXPORTER_OTLP_PROTOCOL`: "),
        (&[endpoint, ("OTEL_METRIC_EXPORT_INTERVAL", "1s")], "`OTEL_METRIC_EXPORT_INTERVAL`: "),
        (&[endpoint, ("OTEL_TRACES_SAMPLER", "some")], "`OTEL_TRACES_SAMPLER`: "),
        (&[endpoint, ("OTEL_RESOURCE_ATTRIBUTES", "x")], "`OTEL_RESOURCE_ATTRIBUTES`: entry 1"),
    ] {
        let output = check(&["3000=4000"], variables).await;
        assert_eq!(output.status.code(), Some(78), "{}", output.errors());
        assert!(output.errors().contains(told), "{told}: {}", output.errors());
    }
    let output = check(&["--otlp-endpoint", "localhost:4317"], &[]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.errors().contains("--otlp-endpoint"), "{}", output.errors());
    assert!(output.errors().contains("http://127.0.0.1:4318 is wanted"), "{}", output.errors());
    let output = check(&["3000=4000", "--otlp-traces", "0.1"], &[]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(output.errors().contains("`--otlp-traces` without a collector"), "{}", output.errors());
    let output = check(&["3000=4000", "--otlp-traces", "2"], &[endpoint]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.errors().contains("from 0 to 1"), "{}", output.errors());
    let output = check(&["3000=4000", "--otlp-traces", "0.1"], &[endpoint]).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_file_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plexy.toml");
    fs::write(&path, "workers = 1\notlp-endpoint = \"https://a.example\"\n").unwrap();
    let output = check(&["--config", path.to_str().unwrap()], &[]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(output.errors().contains("plexy.toml:2:17: `otlp-endpoint`: https:// is not possible"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_of_opentelemetry_are_heeded() {
    let Some(mut receiver) = Receiver::start().await else { return };
    let other = Faulty::start(Fault::None).await;
    let variables = [
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*other.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret,x-scope=a"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "edge"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test%20bed"),
    ];
    let url = format!("{}/base/", receiver.url().replace("127.0.0.1", "localhost"));
    let process = plexyd(&url, 200, &[], &variables).await;

    let request = receiver.next().await;

    assert_eq!(request.path, "/base/v1/metrics");
    assert_eq!(request.headers["authorization"], "Bearer s3cret");
    assert_eq!(request.headers["x-scope"], "a");
    assert_eq!(request.headers["content-encoding"], "gzip");
    assert_eq!(request.resource["service.name"], "edge");
    assert_eq!(request.resource["deployment.environment.name"], "test bed");
    // The flag counts more.
    assert!(other.asked().is_empty());
    eventually!(process.says("metrics are exported"));
    assert!(!process.says("s3cret"), "{}", process.log());
}
