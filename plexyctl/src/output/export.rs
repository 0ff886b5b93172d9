//! Every tunnel, written so that it can be read again.

use plexy_shared::history::ExportReply;
use serde_json::json;

use super::safe::{safe, safe_json};
use crate::args::ExportFormat;

pub(super) fn write(reply: &ExportReply, format: ExportFormat) -> String {
    match format {
        ExportFormat::Toml => toml(reply),
        ExportFormat::Json => {
            let document = json!({ "tunnels": reply.tunnels });
            safe_json(&format!("{document:#}")) + "\n"
        }
        ExportFormat::Spec => reply.tunnels.iter().map(|tunnel| safe(tunnel) + "\n").collect(),
    }
}

/// As a file for `--config` and `load`.
pub(crate) fn toml(reply: &ExportReply) -> String {
    let mut text = String::from("tunnels = [\n");
    for tunnel in &reply.tunnels {
        // A string of JSON is one of TOML.
        let quoted = serde_json::to_string(tunnel).expect("a text can always be written");
        text.push_str(&format!("    {},\n", safe_json(&quoted)));
    }
    text + "]\n"
}
