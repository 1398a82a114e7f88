//! The `DARKMATTER_*` variables: names and defaults of 1.1.1, read in one place.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    net::IpAddr,
    path::PathBuf,
    str::FromStr,
};

use super::NodeConfig;
use crate::{
    discovery,
    error::{Code, Error, Result},
    messaging::RouterMode,
    peers::AutoAccept,
    wire::{NetworkTier, json::parse_object, url},
};

/// Where variables come from. Tests use a map.
pub trait Environment {
    /// The value of `name`, which need not be text; `None` when unset.
    fn get(&self, name: &str) -> Option<OsString>;
    /// The names of those that are set.
    fn names(&self) -> Vec<String>;
}

/// The variables of this process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }
}

impl<T: AsRef<OsStr>> Environment for BTreeMap<String, T> {
    fn get(&self, name: &str) -> Option<OsString> {
        Self::get(self, name).map(|value| value.as_ref().to_owned())
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// One variable of 1.1.1, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The default of 1.1.1, which [`NodeConfig::from_env`] keeps.
    pub default: &'static str,
    /// What it sets, or why it is not used.
    pub effect: &'static str,
}

impl Variable {
    /// The member of [`NodeConfig`] that it sets; empty when it is not used.
    fn member(&self) -> &'static str {
        self.effect.split('`').nth(1).unwrap_or_default()
    }
}

macro_rules! variables {
    ($($name:literal, $default:literal, $effect:literal;)+) => {
        /// Every variable of 1.1.1, in the order of its documentation, then ours.
        pub const VARIABLES: &[Variable] = &[$(Variable { name: $name, default: $default, effect: $effect }),+];
    };
}

variables! {
    "DARKMATTER_PORT", "8100", "`port`: 0 to 65535; 0 lets the system choose.";
    "DARKMATTER_HOST", "0.0.0.0", "`host`: an IP address to listen at.";
    "DARKMATTER_TRANSPORT", "auto", "Not used: a node lives in its host process; there is no daemon to choose.";
    "DARKMATTER_DISPLAY_NAME", "", "`display_name`: 1 to 100 characters.";
    "DARKMATTER_BIO", "", "`bio`: at most 1,000 characters.";
    "DARKMATTER_PROJECT_DIR", "", "`preferred_dir`: an existing folder, in any encoding; another is ignored, as in 1.1.1, with a warning in the log.";
    "DARKMATTER_STATE_FILE", "", "Not used: state lives in `.darkmatter/node.db` beside the passport and belongs to one node.";
    "DARKMATTER_PUBLIC_URL", "", "`public_url`: an http or https URL.";
    "DARKMATTER_DISCOVERY", "true", "`discovery`: true (on), false (off), or lan.";
    "DARKMATTER_DISCOVERY_PORTS", "8100-8200", "`discovery_ports`: FIRST-LAST.";
    "DARKMATTER_MAX_CONNECTIONS", "50", "`max_connections`: 1 to 100,000.";
    "DARKMATTER_REQUEST_EXPIRY", "3600", "`request_expiry_secs`: seconds.";
    "DARKMATTER_NETWORK_TIER", "global", "`network_tier`: local, lan or global.";
    "DARKMATTER_ROUTER_MODE", "spawn", "`router_mode`: spawn, rules_first, rules_only or queue_only.";
    "DARKMATTER_ACCESS_OVERRIDES", "{}", "`access_overrides`: a JSON object of endpoint name to public, peer or local; the local API never opens.";
    "DARKMATTER_BOOTSTRAP_PEERS", "https://loseylabs.ai", "`bootstrap_peers`: URLs separated by commas; empty for none.";
    "DARKMATTER_BOOTSTRAP_MODE", "false", "`bootstrap_mode`: true or false.";
    "DARKMATTER_TURN_URL", "", "Not used: this version has no WebRTC transport.";
    "DARKMATTER_TURN_USERNAME", "", "Not used: this version has no WebRTC transport.";
    "DARKMATTER_TURN_CREDENTIAL", "", "Not used: this version has no WebRTC transport.";
    "DARKMATTER_ENABLE_CRYPTO", "false", "Not used: this version has no wallet.";
    "DARKMATTER_SOLANA_RPC", "", "Not used: this version has no wallet.";
    "DARKMATTER_WALLET_SOLANA", "", "Not used: this version has no wallet.";
    "DARKMATTER_FALLBACK_DELEGATE_AGENT_ID", "", "Not used: this version has no wallet.";
    "DARKMATTER_CLIENT", "", "Not used: nothing reads it, in 1.1.1 neither.";
    "DARKMATTER_TRUSTED_PROXIES", "", "Ours. `trusted_proxies`: IP addresses separated by commas.";
    "DARKMATTER_AUTO_ACCEPT", "lan", "Ours. `auto_accept`: none, loopback, lan or all.";
    "DARKMATTER_UPNP", "true", "Ours. `upnp`: true or false.";
}

/// Variables that look like ours and are not: misspelled, or of another version.
fn unknown(environment: &dyn Environment) -> Vec<String> {
    let mut names = environment.names();
    names.retain(|name| {
        name.starts_with("DARKMATTER_") && VARIABLES.iter().all(|variable| variable.name != name)
    });
    names
}

/// A value that cannot be used, by variable.
fn refuse(name: &str, value: &str, allowed: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("{name} must be {allowed}"))
        .with("variable", name)
        .with("value", format!("{value:?}"))
}

/// The text of a variable. A guess at what is no text would be taken for what was meant.
fn text(environment: &dyn Environment, name: &str) -> Result<Option<String>> {
    let value = environment.get(name).map(OsString::into_string).transpose();
    value.map_err(|bytes| refuse(name, &bytes.to_string_lossy(), "UTF-8"))
}

fn read<T: FromStr>(environment: &dyn Environment, name: &str, allowed: &str) -> Result<Option<T>> {
    match text(environment, name)?.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|_| refuse(name, &value, allowed)),
    }
}

fn flag(environment: &dyn Environment, name: &str) -> Result<Option<bool>> {
    let Some(word) = read::<String>(environment, name, "")? else { return Ok(None) };
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(Some(true)),
        "false" | "0" | "no" | "off" => Ok(Some(false)),
        _ => Err(refuse(name, &word, "true or false")),
    }
}

/// One of the words of an enum that reads snake_case JSON.
fn word<T: serde::de::DeserializeOwned>(
    environment: &dyn Environment,
    name: &str,
    allowed: &str,
) -> Result<Option<T>> {
    let Some(word) = read::<String>(environment, name, "")? else { return Ok(None) };
    serde_json::from_value(serde_json::Value::String(word.to_ascii_lowercase()))
        .map(Some)
        .map_err(|_| refuse(name, &word, allowed))
}

fn list<T: FromStr>(environment: &dyn Environment, name: &str, allowed: &str) -> Result<Option<Vec<T>>> {
    // Set but empty is an empty list: that is how 1.1.1 switches its entry node off.
    let Some(value) = text(environment, name)? else { return Ok(None) };
    value
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().map_err(|_| refuse(name, part, allowed)))
        .collect::<Result<_>>()
        .map(Some)
}

impl NodeConfig {
    /// This configuration with every variable that is set in `environment` laid over it. A `DARKMATTER_*` variable
    /// that is none of [`VARIABLES`] is told in the log.
    ///
    /// # Errors
    ///
    /// [`Code::ConfigInvalid`] names the variable, its value and what is allowed.
    pub fn overlay(mut self, environment: &dyn Environment) -> Result<Self> {
        fn set<T>(slot: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *slot = value;
            }
        }
        for name in unknown(environment) {
            tracing::warn!(name, "no setting has this variable, so it changes nothing; check its spelling");
        }
        set(&mut self.port, read(environment, "DARKMATTER_PORT", "a port, 0 to 65535")?);
        set(&mut self.host, read::<IpAddr>(environment, "DARKMATTER_HOST", "an IP address to listen at")?);
        if let Some(name) = read::<String>(environment, "DARKMATTER_DISPLAY_NAME", "")? {
            if name.chars().count() > crate::wire::limits::DISPLAY_NAME_CHARS {
                return Err(refuse("DARKMATTER_DISPLAY_NAME", &name, "1 to 100 characters"));
            }
            self.display_name = Some(name);
        }
        if let Some(bio) = read::<String>(environment, "DARKMATTER_BIO", "")? {
            if bio.chars().count() > crate::wire::limits::BIO_CHARS {
                return Err(refuse(
                    "DARKMATTER_BIO",
                    &format!("{} characters", bio.chars().count()),
                    "at most 1,000 characters",
                ));
            }
            self.bio = Some(bio);
        }
        // A path is bytes, blanks at its ends included.
        if let Some(folder) =
            environment.get("DARKMATTER_PROJECT_DIR").filter(|value| !value.is_empty()).map(PathBuf::from)
        {
            if folder.is_dir() {
                self.preferred_dir = Some(folder);
            } else {
                tracing::warn!(
                    folder = %folder.display(),
                    "DARKMATTER_PROJECT_DIR is no existing folder and is ignored, so the agent of another one may run; create it, or name the one that was meant",
                );
            }
        }
        if let Some(text) = read::<String>(environment, "DARKMATTER_PUBLIC_URL", "")? {
            url::parse(&text)
                .map_err(|_| refuse("DARKMATTER_PUBLIC_URL", &text, "an http or https URL with a host"))?;
            self.public_url = Some(text);
        }
        match read::<String>(environment, "DARKMATTER_DISCOVERY", "")? {
            None => {}
            Some(value) if value.eq_ignore_ascii_case("lan") => self.discovery = discovery::Mode::Lan,
            Some(value) => {
                let on = flag(environment, "DARKMATTER_DISCOVERY")
                    .map_err(|_| refuse("DARKMATTER_DISCOVERY", &value, "true, false or lan"))?;
                self.discovery = if on == Some(true) { discovery::Mode::On } else { discovery::Mode::Off };
            }
        }
        if let Some(ports) = read::<String>(environment, "DARKMATTER_DISCOVERY_PORTS", "")? {
            let range = ports.split_once('-').and_then(|(first, last)| {
                Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
                    .filter(|(first, last)| *first > 0 && first <= last)
            });
            self.discovery_ports = range.ok_or_else(|| {
                refuse("DARKMATTER_DISCOVERY_PORTS", &ports, "FIRST-LAST, such as 8100-8200")
            })?;
        }
        set(
            &mut self.max_connections,
            read::<usize>(environment, "DARKMATTER_MAX_CONNECTIONS", "a number, 1 to 100,000")?,
        );
        set(
            &mut self.request_expiry_secs,
            read(environment, "DARKMATTER_REQUEST_EXPIRY", "a number of seconds")?,
        );
        set(
            &mut self.network_tier,
            word::<NetworkTier>(environment, "DARKMATTER_NETWORK_TIER", "local, lan or global")?,
        );
        set(
            &mut self.router_mode,
            word::<RouterMode>(
                environment,
                "DARKMATTER_ROUTER_MODE",
                "spawn, rules_first, rules_only or queue_only",
            )?,
        );
        if let Some(json) = read::<String>(environment, "DARKMATTER_ACCESS_OVERRIDES", "")? {
            self.access_overrides = parse_object(json.as_bytes())
                .ok()
                .and_then(|members| serde_json::from_value(members.into()).ok())
                .ok_or_else(|| {
                    refuse(
                        "DARKMATTER_ACCESS_OVERRIDES",
                        &json,
                        "a JSON object of endpoint names, each once, to public, peer or local",
                    )
                })?;
        }
        set(
            &mut self.bootstrap_peers,
            list(environment, "DARKMATTER_BOOTSTRAP_PEERS", "URLs separated by commas")?,
        );
        set(&mut self.bootstrap_mode, flag(environment, "DARKMATTER_BOOTSTRAP_MODE")?);
        set(
            &mut self.trusted_proxies,
            list(environment, "DARKMATTER_TRUSTED_PROXIES", "IP addresses separated by commas")?,
        );
        set(
            &mut self.auto_accept,
            word::<AutoAccept>(environment, "DARKMATTER_AUTO_ACCEPT", "none, loopback, lan or all")?,
        );
        set(&mut self.upnp, flag(environment, "DARKMATTER_UPNP")?);
        for text in &self.bootstrap_peers {
            url::parse(text).map_err(|_| {
                refuse("DARKMATTER_BOOTSTRAP_PEERS", text, "http or https URLs separated by commas")
            })?;
        }
        if let Err(error) = super::validate::validate(&self)
            && let Some((variable, allowed)) = VARIABLES.iter().find_map(|variable| {
                let value = environment.get(variable.name)?.into_string().ok()?;
                let value = Some(value).filter(|value| !value.trim().is_empty())?;
                let allowed = error.message().strip_prefix(variable.member())?.strip_prefix(" must be ")?;
                Some(((variable.name, value), allowed))
            })
        {
            return Err(refuse(variable.0, variable.1.trim(), allowed));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<NodeConfig> {
        let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        NodeConfig::internet().overlay(&environment)?.validated()
    }

    #[test]
    fn a_wrong_value_names_variable_value_and_what_is_allowed() {
        for (name, value) in [
            ("DARKMATTER_PORT", "eighty"),
            ("DARKMATTER_PORT", "70000"),
            ("DARKMATTER_HOST", "localhost"),
            ("DARKMATTER_DISCOVERY", "perhaps"),
            ("DARKMATTER_DISCOVERY_PORTS", "9-3"),
            ("DARKMATTER_MAX_CONNECTIONS", "-1"),
            ("DARKMATTER_MAX_CONNECTIONS", "0"),
            ("DARKMATTER_REQUEST_EXPIRY", "0"),
            ("DARKMATTER_DISCOVERY_PORTS", "1-65535"),
            ("DARKMATTER_REQUEST_EXPIRY", "soon"),
            ("DARKMATTER_NETWORK_TIER", "galaxy"),
            ("DARKMATTER_ROUTER_MODE", "x"),
            ("DARKMATTER_ACCESS_OVERRIDES", "[1]"),
            ("DARKMATTER_ACCESS_OVERRIDES", "{status:local}"),
            ("DARKMATTER_BOOTSTRAP_PEERS", "ftp://x"),
            ("DARKMATTER_BOOTSTRAP_MODE", "2"),
            ("DARKMATTER_PUBLIC_URL", "nowhere"),
            ("DARKMATTER_PUBLIC_URL", "http://0.0.0.0:8100"),
            ("DARKMATTER_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("DARKMATTER_AUTO_ACCEPT", "friends"),
            ("DARKMATTER_UPNP", "maybe"),
        ] {
            let error = with(name, value).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid);
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(value) && text.contains("must be"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_a_path_or_an_error() {
        use std::os::unix::ffi::OsStrExt as _;

        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join(OsStr::from_bytes(b"caf\xe9 "));
        let with = |name: &str, value: &OsStr| {
            NodeConfig::internet().overlay(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
        };
        // Missing, it is ignored as in 1.1.1, also when only its blanks are.
        assert_eq!(with("DARKMATTER_PROJECT_DIR", folder.as_os_str()).unwrap(), NodeConfig::internet());
        std::fs::create_dir(&folder).unwrap();
        let config = with("DARKMATTER_PROJECT_DIR", folder.as_os_str()).unwrap();
        assert_eq!(config.preferred_dir.as_ref(), Some(&folder));
        // Other languages lay their changes over it as JSON, which cannot say such a path.
        let changed = config.changed(r#"{"port": 9}"#).unwrap();
        assert_eq!((changed.preferred_dir.as_ref(), changed.port), (Some(&folder), 9));
        let changed = changed.changed(r#"{"preferred_dir": null}"#).unwrap();
        assert_eq!(changed.preferred_dir, None);

        let mut refused = 0;
        for variable in VARIABLES.iter().filter(|variable| !variable.effect.contains("Not used")) {
            let Err(error) = with(variable.name, OsStr::from_bytes(b"caf\xe9")) else { continue };
            assert_eq!(error.code(), Code::ConfigInvalid);
            let told = error.to_string();
            assert!(told.contains(&format!("{} must be ", variable.name)), "{told}");
            refused += 1;
        }
        let used = VARIABLES.iter().filter(|variable| !variable.effect.contains("Not used")).count();
        assert_eq!(refused, used - 1, "all but the path");
    }

    #[test]
    fn a_misspelled_variable_is_found() {
        let set = ["DARKMATTER_PRT", "DARKMATTER_PORT", "DARKMATTER_TURN_URL", "PATH"];
        let environment: BTreeMap<_, _> = set.map(|name| (name.to_owned(), "1".to_owned())).into();
        assert_eq!(unknown(&environment), ["DARKMATTER_PRT"]);
    }

    #[test]
    fn an_endpoint_that_does_not_exist_is_blamed_on_the_variable() {
        let error = with("DARKMATTER_ACCESS_OVERRIDES", r#"{"nowhere":"public"}"#).unwrap_err().to_string();
        assert!(
            error.contains("DARKMATTER_ACCESS_OVERRIDES must be") && error.contains("nowhere"),
            "{error}"
        );
    }

    #[test]
    fn an_endpoint_named_twice_is_refused_and_one_that_stays_closed_is_known_for_the_log() {
        let twice = r#"{"status":"local","status":"public"}"#;
        let error = with("DARKMATTER_ACCESS_OVERRIDES", twice).unwrap_err().to_string();
        assert!(
            error.contains("DARKMATTER_ACCESS_OVERRIDES must be") && error.contains("each once"),
            "{error}"
        );
        let vain = r#"{"inbox":"peer","connections":"public","status":"local","inbox_consume":"local"}"#;
        let config = with("DARKMATTER_ACCESS_OVERRIDES", vain).unwrap();
        assert_eq!(config.vain_overrides().collect::<Vec<_>>(), ["inbox", "connections"]);
    }

    #[test]
    fn every_used_variable_changes_the_configuration() {
        let folder = std::env::temp_dir();
        for (name, value) in [
            ("DARKMATTER_PORT", "9"),
            ("DARKMATTER_HOST", "127.0.0.1"),
            ("DARKMATTER_DISPLAY_NAME", "x"),
            ("DARKMATTER_BIO", "x"),
            ("DARKMATTER_PROJECT_DIR", folder.to_str().unwrap()),
            ("DARKMATTER_PUBLIC_URL", "https://x.example"),
            ("DARKMATTER_DISCOVERY", "false"),
            ("DARKMATTER_DISCOVERY_PORTS", "1-2"),
            ("DARKMATTER_MAX_CONNECTIONS", "3"),
            ("DARKMATTER_REQUEST_EXPIRY", "4"),
            ("DARKMATTER_NETWORK_TIER", "LAN"),
            ("DARKMATTER_ROUTER_MODE", "queue_only"),
            ("DARKMATTER_ACCESS_OVERRIDES", r#"{"get_peers":"public"}"#),
            ("DARKMATTER_BOOTSTRAP_PEERS", ""),
            ("DARKMATTER_BOOTSTRAP_MODE", "true"),
            ("DARKMATTER_TRUSTED_PROXIES", "10.0.0.1"),
            ("DARKMATTER_AUTO_ACCEPT", "none"),
            ("DARKMATTER_UPNP", "no"),
        ] {
            assert!(VARIABLES.iter().any(|variable| variable.name == name), "{name} is documented");
            assert_ne!(with(name, value).unwrap(), NodeConfig::internet(), "{name}");
        }
    }

    #[test]
    fn unset_variables_leave_the_defaults_of_the_product_page() {
        let config = NodeConfig::internet().overlay(&BTreeMap::<_, String>::new()).unwrap();
        assert_eq!(config, NodeConfig::internet());
        assert_eq!((config.port, config.max_connections, config.request_expiry_secs), (8100, 50, 3600));
    }
}
