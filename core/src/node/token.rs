//! The token of the local API: whoever can read the data folder may use it.

use std::{fmt, fs, path::Path};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    env::Random,
    error::{Code, Error, Result},
    store::{is_full, write_private},
};

/// The file in the data folder.
pub(crate) const TOKEN_FILE: &str = "local.token";

/// A secret made at every start.
pub(crate) struct LocalToken(Zeroizing<String>);

impl LocalToken {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        random.fill(&mut *bytes);
        Self(Zeroizing::new(hex::encode(*bytes)))
    }

    /// Writes it where only its owner can read it. When that fails, the token of an earlier run is not left either.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        write_private(&folder.join(TOKEN_FILE), self.0.as_bytes()).map_err(|cause| {
            remove(folder);
            let (code, cure) = if is_full(&cause) {
                (Code::StoreFull, "free some space")
            } else {
                (Code::StoreUnavailable, "check the folder's mode")
            };
            Error::new(code, format!("the token of the local API cannot be written; {cure}"))
                .with("folder", folder.display())
                .because(cause)
        })
    }

    pub(crate) fn matches(&self, presented: Option<&str>) -> bool {
        presented.is_some_and(|presented| bool::from(presented.as_bytes().ct_eq(self.0.as_bytes())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Removes the file at the end; a leftover is useless, because the next start makes another token.
pub(crate) fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(TOKEN_FILE));
}

impl fmt::Debug for LocalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalToken(…)")
    }
}
