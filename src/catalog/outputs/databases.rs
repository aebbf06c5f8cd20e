//! Outputs to databases.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Spec;

const LOADER: &str = "omfile with an SQL template, loaded by the database's own client, or a \
                      collector that writes to it";

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module {
        instance: &[MYSQL],
        ..absent("ommysql", Output, "Writes to MySQL or MariaDB.", LOADER)
    },
    Module { instance: &[PGSQL], ..absent("ompgsql", Output, "Writes to PostgreSQL.", LOADER) },
    Module {
        module: &[LIBDBI_MODULE],
        instance: &[LIBDBI],
        ..absent("omlibdbi", Output, "Writes to databases that libdbi knows.", LOADER)
    },
    Module {
        instance: &[MONGODB],
        ..absent(
            "ommongodb",
            Output,
            "Writes to MongoDB.",
            "omfile with a JSON template, loaded by mongoimport",
        )
    },
    absent("omoracle", Output, "Writes to Oracle ($Omoracle… directives).", LOADER),
];

static MYSQL: &[Spec] = &[
    Spec::new("server", Str, "", "The database server."),
    Spec::new("socket", Str, "", "Its unix socket, where the server is localhost."),
    Spec::new("db", Str, "", "The database."),
    Spec::new("uid", Str, "", "User to log in as."),
    Spec::new("pwd", Str, "", "That user's password."),
    Spec::new("serverPort", Int, "", "The server's port."),
    Spec::new("mysqlConfig.file", Str, "", "Options file of the client library."),
    Spec::new("mysqlConfig.section", Str, "", "The section in it."),
];

static PGSQL: &[Spec] = &[
    Spec::new("conninfo", Str, "", "Address and settings in libpq's form, instead of the rest."),
    Spec::new("server", Str, "", "The database server."),
    Spec::new("port", Int, "5432", "Its port.").alias(&["serverport"]),
    Spec::new("db", Str, "", "The database."),
    Spec::new("user", Str, "postgres", "User to log in as.").alias(&["uid"]),
    Spec::new("pass", Str, "postgres", "That user's password.").alias(&["pwd"]),
    Spec::new("multiRows", Int, "100", "Rows in one INSERT.").alias(&["trans_size"]),
];

static LIBDBI_MODULE: &[Spec] = &[
    Spec::new("driverDirectory", Str, "", "Folder of libdbi's drivers."),
    Spec::new("template", Template, "", "The template of actions that name none."),
];

static LIBDBI: &[Spec] = &[
    Spec::new("driver", Str, "", "Which driver: mysql, pgsql, sqlite3 and others."),
    Spec::new("server", Str, "", "The database server."),
    Spec::new("uid", Str, "", "User to log in as."),
    Spec::new("pwd", Str, "", "That user's password."),
    Spec::new("db", Str, "", "The database."),
];

static MONGODB: &[Spec] = &[
    Spec::new("uristr", Str, "", "Address and settings in MongoDB's form, instead of the rest."),
    Spec::new("ssl_cert", Str, "", "File with the own certificate."),
    Spec::new("ssl_ca", Str, "", "File with certificates of authorities."),
    Spec::new("db", Str, "syslog", "The database."),
    Spec::new("collection", Str, "log", "The collection."),
    Spec::new("allowed_error_codes", Array, "", "Errors of the server that do not matter."),
    Spec::new("server", Str, "127.0.0.1", "The server; better in 'uristr'."),
    Spec::new("serverport", Str, "27017", "Its port; better in 'uristr'."),
    Spec::new("uid", Str, "", "User to log in as; better in 'uristr'."),
    Spec::new("pwd", Str, "", "That user's password; better in 'uristr'."),
];
