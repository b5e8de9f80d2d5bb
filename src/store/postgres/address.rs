//! The address of a database and the login for it, from the URL, the environment and the password file.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::fault::{DatabaseRemedy, Fault};
use crate::system::password_file;

/// The workspace that a URL without `workspace` means.
const DEFAULT_WORKSPACE: &str = "default";

/// How long it may take to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A database, and the workspace in it. Its debug form has no password.
#[derive(Debug, Clone)]
pub(super) struct DatabaseAddress {
    pub(super) config: Config,
    pub(super) workspace: String,
    /// The file with the certificates to trust; `None`: those of the system.
    pub(super) root_certificates: Option<PathBuf>,
    /// The address that people are shown, without user and password.
    pub(super) shown: String,
}

impl DatabaseAddress {
    /// Reads `postgres://user@host:port/database?workspace=NAME&sslmode=require&sslrootcert=FILE`. Missing parts come
    /// from `PGUSER`, `PGPASSWORD`, `PGPASSFILE` and `PGSSLROOTCERT`, as with other clients of PostgreSQL.
    ///
    /// # Errors
    ///
    /// [`Fault::Database`] if the URL cannot be read. Its text never has a part of the URL's values.
    pub(super) fn parse(url: &str) -> Result<Self, Fault> {
        let bad = |why: String| Fault::Database {
            database: "the database's URL".to_owned(),
            why,
            remedy: DatabaseRemedy::GiveUrl,
        };
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
            return Err(bad("it is no postgres:// URL".to_owned()));
        }
        let mut workspace = DEFAULT_WORKSPACE.to_owned();
        let mut root_certificates = variable("PGSSLROOTCERT").map(PathBuf::from);
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("workspace", name)) if !name.is_empty() => workspace = decoded(name),
                Some(("sslrootcert", file)) => root_certificates = Some(decoded(file).into()),
                // `work` always checks certificates and host names, so these modes mean `require`. The library does not
                // know them.
                Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
                _ => kept.push(pair),
            }
        }
        let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
        // The message of the library names a key, never a value.
        let unread = |error: tokio_postgres::Error| match std::error::Error::source(&error) {
            Some(cause) => bad(cause.to_string()),
            None => bad(error.to_string()),
        };
        let mut config: Config = url.parse().map_err(unread)?;
        if config.get_user().is_none()
            && let Some(user) = variable("PGUSER").or_else(|| variable("USER")).or_else(|| variable("USERNAME"))
        {
            config.user(user);
        }
        if config.get_dbname().is_none()
            && let Some(user) = config.get_user().map(str::to_owned)
        {
            config.dbname(user);
        }
        if config.get_password().is_none()
            && let Some(password) = variable("PGPASSWORD").or_else(|| from_password_file(&config))
        {
            config.password(password);
        }
        let host = match config.get_hosts() {
            [Host::Tcp(host), ..] => host.clone(),
            #[cfg(unix)]
            [Host::Unix(path), ..] => path.display().to_string(),
            _ => return Err(bad("it names no host".to_owned())),
        };
        if host.contains('@') {
            return Err(bad("an @ in a user or a password is written as %40".to_owned()));
        }
        if workspace.contains('\0') {
            return Err(bad("the name of the workspace has a NUL".to_owned()));
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let port = if port == 5432 { String::new() } else { format!(":{port}") };
        let shown = format!("postgres://{host}{port}/{}", config.get_dbname().unwrap_or_default());
        config
            .application_name("work")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(Duration::from_secs(15))
            .tcp_user_timeout(Duration::from_secs(20));
        Ok(Self { config, workspace, root_certificates, shown })
    }

    /// Returns whether a connection can use TLS, so that certificates are needed.
    pub(super) fn needs_tls(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Looks the password up in the password file of PostgreSQL. Its lines are `host:port:database:user:password`, and `*`
/// fits every value.
fn from_password_file(config: &Config) -> Option<String> {
    let file = variable("PGPASSFILE").map(PathBuf::from);
    let file = file.or_else(password_file)?;
    let text = fs::read_to_string(file).ok()?;
    let host = match config.get_hosts().first()? {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(_) => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let wanted = [host.as_str(), &port, config.get_dbname()?, config.get_user()?];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, rest) = fields.split_last()?;
        let fits =
            rest.len() == wanted.len() && rest.iter().zip(wanted).all(|(field, want)| field == "*" || field == want);
        fits.then(|| password.clone())
    })
}

/// Splits a line of the password file. `\:` stands for a colon and `\\` for a backslash.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(characters.next())),
            c => fields.last_mut().into_iter().for_each(|field| field.push(c)),
        }
    }
    fields
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_nobody_is_shown_the_password() {
        let address =
            DatabaseAddress::parse("postgres://ann:s%3Acret@db.example:6000/team?workspace=a%20b&sslmode=verify-full")
                .unwrap();
        assert_eq!(address.workspace, "a b");
        assert_eq!(address.shown, "postgres://db.example:6000/team");
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.config.get_password(), Some(&b"s:cret"[..]));
        assert!(!format!("{address:?}").contains("cret"), "{address:?}");
        for bad in [
            "mysql://x",
            "postgres://ann:s@cret@h/db",
            "postgres://ann:cret@h:x/db",
            "postgres://ann:cret@h/db?nonsense=cret",
        ] {
            let why = DatabaseAddress::parse(bad).unwrap_err().to_string();
            assert!(!why.contains("cret"), "{why}");
        }
    }

    #[test]
    fn a_password_file_is_read_as_by_other_clients() {
        assert_eq!(fields(r"db:5432:*:ann:a\:b\\c"), ["db", "5432", "*", "ann", r"a:b\c"]);
    }
}
