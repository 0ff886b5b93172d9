//! All metrics, and spans of sampled connections, pushed to a collector of OpenTelemetry: OTLP over
//! HTTP, as protobuf, again and again.
//!
//! It knows the collector as somebody who may hang, err or be gone: whatever it
//! does costs the memory of a few parts, and nothing else waits for it. Not by
//! the SDK of OpenTelemetry, which folds more than 2 000 series into one.

mod attributes;
mod batches;
mod collector;
mod courier;
mod destination;
mod encode;
mod endpoint;
mod exporter;
mod patience;
mod resource;
mod rounds;
mod settings;
mod signal;
mod span;
mod variables;

pub(crate) use endpoint::Endpoint;
pub(crate) use exporter::Exporter;
pub use settings::OtlpSettings;
pub(crate) use settings::Said;
