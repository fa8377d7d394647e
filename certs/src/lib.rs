//! Everything the webhook needs to speak TLS that an API server trusts.
//!
//! ```text
//! Secret data -> stored -> Material -> renewal(now) -> Material' -> Secret data
//!                             |
//!                             +-> bundle -> caBundle of the webhook configuration
//!                             +-> leaf   -> HotCertificate -> TLS handshakes
//!
//! reconcile: which of these arrows is next, after what one replica sees
//! trust:     whether an API server would accept it
//! ```
//!
//! Nothing here opens a socket or reads a clock: the time is a parameter, and so is what was
//! stored. Only [`directory`] reads files, for those who bring their own certificate.

pub mod authority;
pub mod bundle;
pub mod directory;
pub mod error;
pub mod hot;
pub mod identity;
pub mod material;
pub mod reconcile;
pub mod renewal;
pub mod stored;
pub mod trust;

pub use error::CertError;
pub use hot::HotCertificate;
pub use identity::Identity;
pub use material::Material;
