//! `GET /openapi.json`: the description of the API (OpenAPI 3.1), written by hand and held against the router by a test.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// The description.
pub const DESCRIPTION: &str = include_str!("openapi.json");

pub(super) async fn describe() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "max-age=300"),
    ];
    (headers, DESCRIPTION).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::http::router::{Access, routes};
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn description() -> Value {
        serde_json::from_str(DESCRIPTION).unwrap()
    }

    fn operations(description: &Value) -> impl Iterator<Item = (String, String, &Value)> {
        let paths = description["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .iter()
                .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
    }

    #[test]
    fn every_route_is_described_and_everything_described_is_a_route() {
        let routed: BTreeSet<(String, String)> = routes()
            .iter()
            .map(|r| (r.method.to_string(), r.path.replace("{*", "{")))
            .collect();
        let description = description();
        let described: BTreeSet<_> = operations(&description).map(|(m, p, _)| (m, p)).collect();
        assert_eq!(routed, described);
        assert_eq!(description["openapi"], "3.1.0");
        assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn what_needs_a_key_says_so_and_what_does_not_does_not() {
        let description = description();
        for route in routes() {
            let operation = &description["paths"][route.path.replace("{*", "{")]
                [route.method.as_str().to_lowercase()];
            let secured = operation["security"][0].get("key").is_some();
            let needs = matches!(route.access, Access::Caller(_));
            assert_eq!(secured, needs, "{route:?}");
            if needs {
                for status in ["401", "403"] {
                    assert!(
                        operation["responses"].get(status).is_some(),
                        "{route:?} {status}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_parameter_of_a_path_is_described_and_every_reference_leads_somewhere() {
        let description = description();
        for (method, path, operation) in operations(&description) {
            let names: BTreeSet<&str> = path
                .split('/')
                .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let resolved: Vec<Value> = parameters
                .iter()
                .map(|p| match p["$ref"].as_str() {
                    Some(reference) => description.pointer(&reference[1..]).unwrap().clone(),
                    None => p.clone(),
                })
                .collect();
            let described: BTreeSet<&str> = resolved
                .iter()
                .filter(|p| p["in"] == "path")
                .filter_map(|p| p["name"].as_str())
                .collect();
            assert_eq!(names, described, "{method} {path}");
        }
        references(&description, &description);
    }

    fn references(value: &Value, root: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    assert!(root.pointer(&reference[1..]).is_some(), "{reference}");
                }
                map.values().for_each(|v| references(v, root));
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, root)),
            _ => {}
        }
    }
}
