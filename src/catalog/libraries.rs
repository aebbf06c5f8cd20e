//! Libraries, which rsyslog loads by itself, and some configurations as well.

use crate::catalog::absent;
use crate::catalog::later;
use crate::catalog::ready;
use crate::config::module::Module;
use crate::config::module::Role::Library;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const TLS: &str = "connections with TLS are not made meanwhile";
const SIGNED: &str = "a file system or archive that signs; files are written without signatures";
const ENCRYPTED: &str = "an encrypted file system; files are written in the clear";

pub(super) static MODULES: &[Module] = &[
    ready("lmnet", Library, "Network functions."),
    ready("lmnetstrms", Library, "Network streams."),
    ready("lmnsd_ptcp", Library, "Plain TCP streams."),
    ready("lmregexp", Library, "Regular expressions."),
    ready("lmtcpclt", Library, "TCP clients."),
    ready("lmtcpsrv", Library, "TCP servers."),
    ready("lmzlibw", Library, "Compression by zlib."),
    later("lmzstdw", Library, "Compression by zstd.", "nothing is compressed by zstd meanwhile"),
    later("lmnsd_gtls", Library, "TLS by GnuTLS.", TLS),
    later("lmnsd_ossl", Library, "TLS by OpenSSL.", TLS),
    later("lmnsd_mbedtls", Library, "TLS by Mbed TLS.", TLS),
    absent("lmgssutil", Library, "Kerberos.", "TLS, which a later version brings"),
    absent("lmcry_gcry", Library, "Encrypts files by libgcrypt.", ENCRYPTED).with_instance(&[GCRY]),
    absent("lmcry_ossl", Library, "Encrypts files by OpenSSL.", ENCRYPTED).with_instance(&[OSSL]),
    absent("lmsig_gt", Library, "Signs files by Guardtime's older service.", SIGNED)
        .with_instance(&[SIG]),
    absent("lmsig_ksi", Library, "Signs files by Guardtime KSI.", SIGNED)
        .with_instance(&[SIG, KSI]),
    absent("lmsig_ksi_ls12", Library, "Signs files by Guardtime KSI.", SIGNED)
        .with_instance(&[SIG, KSI, KSI_LS12]),
];

/// Given to the action whose file is encrypted.
static GCRY: &[Spec] = &[
    Spec::new("cry.key", Str, "", "The key itself."),
    Spec::new("cry.keyfile", Str, "", "File that holds the key."),
    Spec::new("cry.keyprogram", Str, "", "Program that gives the key."),
    Spec::new("cry.mode", Token, "CBC", "How blocks are chained."),
    Spec::new("cry.algo", Token, "AES128", "The cipher."),
];

static OSSL: &[Spec] = &[
    Spec::new("cry.key", Str, "", "The key itself.").since("8.2308"),
    Spec::new("cry.keyfile", Str, "", "File that holds the key.").since("8.2308"),
    Spec::new("cry.keyprogram", Str, "", "Program that gives the key.").since("8.2308"),
    Spec::new("cry.algo", Token, "AES-128-CBC", "The cipher.").since("8.2308"),
];

/// Given to the action whose file is signed.
static SIG: &[Spec] = &[
    Spec::new("sig.hashFunction", Token, "SHA2-256", "The hash function."),
    Spec::new("sig.timestampService", Token, "", "Where signatures come from."),
    Spec::new("sig.block.sizeLimit", Int, "0", "Records that one signature covers; 0: no limit."),
    Spec::new("sig.keepRecordHashes", Bool, "off", "Keeps the hash of each record."),
    Spec::new("sig.keepTreeHashes", Bool, "off", "Keeps the hashes between."),
];

static KSI: &[Spec] = &[
    Spec::new("sig.aggregator.url", Token, "", "Where signatures come from."),
    Spec::new("sig.aggregator.user", Token, "", "User of the service."),
    Spec::new("sig.aggregator.key", Token, "", "Key of the service."),
    Spec::new("sig.block.levelLimit", Int, "", "Highest level of the tree."),
    Spec::new("sig.block.timeLimit", Int, "0", "Seconds that one signature covers; 0: no limit."),
    Spec::new("fileOwner", Str, "", "Owner of the signatures' file."),
    Spec::new("fileOwnerNum", Int, "", "Owner, by number."),
    Spec::new("fileGroup", Str, "", "Group of the signatures' file."),
    Spec::new("fileGroupNum", Int, "", "Group, by number."),
    Spec::new("fileCreateMode", Mode, "0644", "Mode of the signatures' file."),
    Spec::new("dirOwner", Str, "", "Owner of its folder."),
    Spec::new("dirOwnerNum", Int, "", "Owner, by number."),
    Spec::new("dirGroup", Str, "", "Group of its folder."),
    Spec::new("dirGroupNum", Int, "", "Group, by number."),
    Spec::new("dirCreateMode", Mode, "0700", "Mode of its folder."),
];

static KSI_LS12: &[Spec] = &[
    Spec::new("sig.syncmode", Token, "sync", "Waits for signatures, or not."),
    Spec::new("sig.block.signTimeout", Int, "10", "Seconds that a signature may take."),
    Spec::new("sig.aggregator.hmacAlg", Token, "SHA2-256", "How requests are signed."),
    Spec::new("sig.confInterval", Int, "3600", "Seconds between looks at the service's settings."),
    Spec::new("sig.randomSource", Token, "/dev/urandom", "Where random numbers come from."),
    Spec::new("sig.debugFile", Str, "", "File for the library's own messages."),
    Spec::new("sig.debugLevel", Int, "0", "How much it says there."),
];
