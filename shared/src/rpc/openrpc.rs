//! The table of methods as an OpenRPC document (<https://spec.open-rpc.org>).

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{ErrorData, METHODS, SubscribeEvents, SubscribeOverview, SubscribeStats, Subscription};
use crate::error::Code;
use crate::word::Words;

/// The version of OpenRPC that the document follows.
const OPENRPC: &str = "1.3.2";

/// The document, for a daemon of this version.
///
/// ```
/// let document = plexy_shared::rpc::openrpc("1.2.3");
/// assert_eq!(document["info"]["version"], "1.2.3");
/// assert_eq!(document["methods"][0]["name"], "hello");
/// ```
#[must_use]
pub fn openrpc(version: &str) -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let mut methods = Vec::new();
    for row in METHODS {
        let params = resolved((row.params)(&mut generator), generator.definitions());
        let reply = (row.reply)(&mut generator);
        methods.push(json!({
            "name": row.name,
            "summary": row.summary,
            "paramStructure": if is_tuple(&params) { "by-position" } else { "by-name" },
            "params": descriptors(&params),
            "result": { "name": "reply", "schema": reply },
            "x-change": row.is_change,
        }));
    }
    let notifications = [
        notification::<SubscribeEvents>(&mut generator),
        notification::<SubscribeStats>(&mut generator),
        notification::<SubscribeOverview>(&mut generator),
    ];
    let data = generator.subschema_for::<ErrorData>();
    let errors: Map<String, Value> = Code::ALL
        .iter()
        .map(|code| {
            (code.to_string(), json!({ "code": code.number(), "message": code.to_string() }))
        })
        .collect();
    json!({
        "openrpc": OPENRPC,
        "info": { "title": "plexyd", "version": version, "license": { "name": "MIT" } },
        "methods": methods,
        "components": { "schemas": generator.take_definitions(true), "errors": errors },
        "x-notifications": notifications,
        "x-error-data": data,
    })
}

fn notification<S: Subscription>(generator: &mut SchemaGenerator) -> Value {
    let item = generator.subschema_for::<S::Item>();
    json!({ "name": S::NOTIFICATION, "params": [{ "name": "result", "schema": item }] })
}

fn is_tuple(params: &Value) -> bool {
    params.get("prefixItems").is_some()
}

/// What a reference to a definition stands for.
fn resolved(schema: Schema, definitions: &Map<String, Value>) -> Value {
    let value = schema.to_value();
    let name = value.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    name.and_then(|name| definitions.get(name)).cloned().unwrap_or(value)
}

/// One content descriptor per parameter, those that must be given first.
fn descriptors(params: &Value) -> Vec<Value> {
    let required: Vec<&str> =
        params["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = params["properties"].as_object() else {
        // A tuple, as JSON Schema calls it before draft 7 is made of it.
        return params["prefixItems"].as_array().into_iter().flatten().map(positional).collect();
    };
    let descriptor = |(name, schema): (&String, &Value)| {
        json!({
            "name": name,
            "summary": schema.get("description"),
            "required": required.contains(&name.as_str()),
            "schema": schema,
        })
    };
    let mut descriptors: Vec<_> = properties.iter().map(descriptor).collect();
    descriptors.sort_by_key(|descriptor| descriptor["required"] != true);
    descriptors
}

fn positional(schema: &Value) -> Value {
    json!({ "name": "subscription", "required": true, "schema": schema })
}
