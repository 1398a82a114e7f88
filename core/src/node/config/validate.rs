//! The checks of a configuration that its types cannot make.

use std::fmt::Display;

use super::NodeConfig;
use crate::{
    error::{Code, Error, Result},
    messaging::rule_book,
    wire::{AddressClass, limits, route::Endpoint, url},
};

fn refuse(member: &str, value: impl Display, allowed: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("{member} must be {allowed}")).with("value", value)
}

/// Fails with the first setting that cannot be used.
pub(super) fn validate(config: &NodeConfig) -> Result<()> {
    if let Some(name) = &config.display_name
        && (name.trim().is_empty() || name.chars().count() > limits::DISPLAY_NAME_CHARS)
    {
        return Err(refuse("display_name", name, "1 to 100 characters"));
    }
    if let Some(bio) = &config.bio
        && bio.chars().count() > limits::BIO_CHARS
    {
        return Err(refuse("bio", format!("{} characters", bio.chars().count()), "at most 1,000 characters"));
    }
    if let Some(text) = &config.public_url {
        let url =
            url::parse(text).map_err(|_| refuse("public_url", text, "an http or https URL with a host"))?;
        if url.class() == Some(AddressClass::Never) {
            return Err(refuse("public_url", text, "a URL at which others can reach this node"));
        }
    }
    if config.shared_port && !config.http {
        return Err(refuse("shared_port", true, "false while http is false: there is no port to share"));
    }
    for text in &config.bootstrap_peers {
        url::parse(text).map_err(|_| refuse("bootstrap_peers", text, "http or https URLs"))?;
    }
    let (first, last) = config.discovery_ports;
    if first == 0 || first > last {
        return Err(refuse(
            "discovery_ports",
            format!("{first}-{last}"),
            "a first and a last port, in this order",
        ));
    }
    if last - first >= 1024 {
        return Err(refuse("discovery_ports", format!("{first}-{last}"), "at most 1,024 ports"));
    }
    if config.max_connections == 0 || config.max_connections > 100_000 {
        return Err(refuse("max_connections", config.max_connections, "1 to 100,000"));
    }
    if config.request_expiry_secs == 0 {
        return Err(refuse("request_expiry_secs", 0, "at least 1"));
    }
    // The receiver remembers ids for 25 hours (see `messaging`): a longer wait could be delivered twice.
    if config.outbox_expiry_secs == 0 || config.outbox_expiry_secs > 86_400 {
        return Err(refuse("outbox_expiry_secs", config.outbox_expiry_secs, "1 to 86,400 (one day)"));
    }
    if config.mailbox_after_secs > 86_400 {
        return Err(refuse("mailbox_after_secs", config.mailbox_after_secs, "0 to 86,400 (one day)"));
    }
    for name in config.access_overrides.keys() {
        if !Endpoint::ALL.iter().any(|endpoint| endpoint.name() == name) {
            return Err(refuse("access_overrides", name, "names of endpoints"));
        }
    }
    rule_book::check(&config.routing_rules)
        .map_err(|fault| Error::new(Code::ConfigInvalid, fault.told("routing_rules")))?;
    if serde_json::to_vec(&config.capabilities).map_or(true, |bytes| bytes.len() > 4096) {
        return Err(refuse("capabilities", "too large", "at most 4,096 bytes of JSON"));
    }
    Ok(())
}
