//! Libraries, which rsyslog loads by itself, and some configurations as well.

use crate::catalog::absent;
use crate::catalog::later;
use crate::catalog::ready;
use crate::config::module::Module;
use crate::config::module::Role::Library;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const TLS: &str = "connections with TLS are not made meanwhile";
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
    absent("lmcry_ossl", Library, "Encrypts files by OpenSSL.", ENCRYPTED).with_instance(&[OSSL]),
];

static OSSL: &[Spec] = &[
    Spec::new("cry.key", Str, "", "The key itself.").since("8.2308"),
    Spec::new("cry.keyfile", Str, "", "File that holds the key.").since("8.2308"),
    Spec::new("cry.keyprogram", Str, "", "Program that gives the key.").since("8.2308"),
    Spec::new("cry.algo", Token, "AES-128-CBC", "The cipher.").since("8.2308"),
];
