//! Requests to a mailbox, and mail on its way to its recipient.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields;
use crate::{
    identity::{AgentId, Signature},
    wire::{
        Answer, limits,
        mail::KeptMessage,
        prekeys::{MAILBOXES, ONE_TIME_KEYS, Publication},
    },
};

/// What is asked of a mailbox.
#[derive(Clone, Debug, PartialEq)]
pub enum MailboxAsk {
    /// Keep my mail, sealed to these keys. It also says: I am here, hand over what there is.
    Publish(Box<Publication>),
    /// How is this agent sealed to?
    Keys(AgentId),
    /// Keep this for its recipient.
    Put(Box<KeptMessage>),
}

/// `POST /mailbox`, signed by a connected peer.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxRequest {
    /// Who asks.
    pub from: AgentId,
    /// What tells it from the asker's other requests.
    pub nonce: String,
    /// The asker's clock.
    pub timestamp: String,
    /// What it asks.
    pub ask: MailboxAsk,
    /// Over the whole object.
    pub signature_v2: Option<Signature>,
    /// The object as received, for the signature.
    pub object: Map<String, Value>,
}

fn part<T: DeserializeOwned>(object: &mut Map<String, Value>, name: &str) -> Result<Option<T>, Answer> {
    let wrong = |_| fields::refuse(format!("Field {name} has not the form that it must have"));
    fields::take(object, name).map(|value| serde_json::from_value(value).map_err(wrong)).transpose()
}

impl MailboxRequest {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let original = object.clone();
        let object = &mut object;
        let mut required = |name: &str| -> Result<String, Answer> {
            let text = fields::text(object, name)?.unwrap_or_default();
            if text.is_empty() || text.chars().count() > limits::MESSAGE_ID_CHARS {
                return Err(fields::refuse(format!("Missing {name}, or too long")));
            }
            fields::single_line(name, &text)?;
            Ok(text)
        };
        let (from, nonce) = (required("from_agent_id")?, required("nonce")?);
        let timestamp = required("timestamp")?;
        let publish: Option<Publication> = part(object, "publish")?;
        let about: Option<AgentId> = part(object, "keys_of")?;
        let put: Option<KeptMessage> = part(object, "put")?;
        let ask = match (publish, about, put) {
            (Some(publication), None, None) => {
                let counts = (publication.bundle.mailboxes.len(), publication.one_time.len());
                if counts.0 > MAILBOXES || counts.1 > ONE_TIME_KEYS {
                    return Err(fields::refuse("Field publish has more mailboxes or keys than it may"));
                }
                MailboxAsk::Publish(Box::new(publication))
            }
            (None, Some(about), None) => MailboxAsk::Keys(about),
            (None, None, Some(mail)) => {
                mail.check()?;
                MailboxAsk::Put(Box::new(mail))
            }
            _ => return Err(fields::refuse("Exactly one of publish, keys_of and put must be given")),
        };
        Ok(Self {
            from: fields::agent_id(&from, "from_agent_id")?,
            nonce,
            timestamp,
            ask,
            signature_v2: fields::signature(object, "signature_v2")?,
            object: original,
        })
    }

    /// Under which id it is remembered, so that a recorded one is answered once.
    pub fn claim_id(&self) -> String {
        format!("mailbox {}", self.nonce)
    }
}

/// `POST /kept_message`: a keeper hands over what it kept. Its sender's signature is all that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOver {
    /// Who says that it kept it, and wants a receipt.
    pub keeper: AgentId,
    /// The message.
    pub mail: KeptMessage,
}

impl HandOver {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let object = &mut object;
        let keeper = part(object, "keeper")?.ok_or_else(|| fields::refuse("Missing keeper"))?;
        let mail: KeptMessage = part(object, "mail")?.ok_or_else(|| fields::refuse("Missing mail"))?;
        mail.check()?;
        Ok(Self { keeper, mail })
    }
}
