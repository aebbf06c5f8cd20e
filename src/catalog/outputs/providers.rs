//! What omfile loads to sign or to encrypt its files (`sig.provider`, `cry.provider`). Their
//! parameters stand in the omfile action.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Library;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;

/// What to do without signatures; also said of `sig.provider` itself.
const SIGN: &str = "files are not signed here: sign them when they are rotated";
/// What to do without encryption.
const ENCRYPT: &str = "files are not encrypted here: keep them on an encrypted file system";

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module {
        instance: &[SIGNATURE],
        ..absent("lmsig_gt", Library, "Signs files by Guardtime's former service.", SIGNING)
    },
    Module {
        instance: &[SIGNATURE],
        ..absent("lmsig_ksi", Library, "Signs files by Guardtime's KSI, first form.", SIGNING)
    },
    Module {
        instance: &[SIGNATURE],
        ..absent("lmsig_ksi_ls12", Library, "Signs files by Guardtime's KSI.", SIGNING)
    },
    Module {
        instance: &[ENCRYPTION],
        ..absent("lmcry_gcry", Library, "Encrypts files by libgcrypt.", "an encrypted file system")
    },
];

const SIGNING: &str = "a signature over files that were rotated";

/// Parameters of `sig.provider` and of all providers of signatures.
pub static SIGNATURE: &[Spec] = &[
    Spec::new("sig.provider", Str, "", "Which provider signs the file.").unsupported(SIGN),
    Spec::new("sig.hashFunction", Str, "SHA2-256", "The hash function.").unsupported(SIGN),
    Spec::new("sig.timestampService", Str, "", "URL of the time stamps (gt).").unsupported(SIGN),
    Spec::new(
        "sig.syncMode",
        Word(&["sync", "async"]),
        "sync",
        "Waits for each signature, or not.",
    )
    .unsupported(SIGN),
    Spec::new("sig.block.sizeLimit", Size, "0", "Most records in a block.").unsupported(SIGN),
    Spec::new("sig.block.levelLimit", NonNegative, "", "Highest level of a block's tree.")
        .unsupported(SIGN),
    Spec::new("sig.block.timeLimit", Duration("seconds"), "0", "Longest time of a block.")
        .unsupported(SIGN),
    Spec::new("sig.block.signTimeout", Duration("seconds"), "10", "Time to sign a block in.")
        .unsupported(SIGN),
    Spec::new("sig.aggregator.url", Str, "", "The signing service.").unsupported(SIGN),
    Spec::new("sig.aggregator.uri", Str, "", "The same, in the first form.").unsupported(SIGN),
    Spec::new("sig.aggregator.user", Str, "", "User at that service.").unsupported(SIGN),
    Spec::new("sig.aggregator.key", Str, "", "That user's key.").unsupported(SIGN),
    Spec::new("sig.aggregator.hmacAlg", Str, "SHA2-256", "How requests are authenticated.")
        .unsupported(SIGN),
    Spec::new("sig.keepTreeHashes", Bool, "off", "Keeps the hashes inside of the tree.")
        .unsupported(SIGN),
    Spec::new("sig.keepRecordHashes", Bool, "on", "Keeps the hash of each record.")
        .unsupported(SIGN),
    Spec::new("sig.confInterval", Duration("seconds"), "3600", "How often to ask for settings.")
        .unsupported(SIGN),
    Spec::new("sig.randomSource", Str, "/dev/urandom", "Where random bytes come from.")
        .unsupported(SIGN),
    Spec::new("sig.debugFile", Str, "", "File for the library's own messages.").unsupported(SIGN),
    Spec::new("sig.debugLevel", NonNegative, "0", "How many of them, 0 to 5.").unsupported(SIGN),
    Spec::new("sig.dirCreateMode", Str, "", "Mode of new directories (ksi_ls12).")
        .unsupported(SIGN),
    Spec::new("sig.fileCreateMode", Str, "", "Mode of signature files (ksi_ls12).")
        .unsupported(SIGN),
];

/// Parameters of `cry.provider` and of the provider `gcry`.
pub static ENCRYPTION: &[Spec] = &[
    Spec::new("cry.provider", Str, "", "Which provider encrypts the file.").unsupported(ENCRYPT),
    Spec::new("cry.algo", Str, "AES128", "The cipher.").unsupported(ENCRYPT),
    Spec::new("cry.mode", Str, "CBC", "The cipher's mode.").unsupported(ENCRYPT),
    Spec::new("cry.key", Str, "", "The key itself; for tests.").unsupported(ENCRYPT),
    Spec::new("cry.keyFile", Str, "", "File that holds the key.").unsupported(ENCRYPT),
    Spec::new("cry.keyProgram", Str, "", "Program that prints the key.").unsupported(ENCRYPT),
];
