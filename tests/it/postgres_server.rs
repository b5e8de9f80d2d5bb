//! A real `PostgreSQL` server for tests, in a temporary folder.
//!
//! A watchdog (`sh`) runs beside every server. It holds a pipe from the test process. When that process ends, in any
//! way, the pipe closes, and the watchdog stops the server and removes the folder. Needs Linux: it reads `/proc`.

use std::fmt::Display;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, path};

use tempfile::{Builder, TempDir};

/// Reports that a test is skipped, and why.
///
/// # Panics
///
/// If `WORK_TEST_ALL` is set, as it is in CI: there every test must run.
#[allow(clippy::print_stdout, reason = "a test that does not run says so, in the output of the test")]
pub(crate) fn skipped(why: impl Display) {
    assert!(env::var_os("WORK_TEST_ALL").is_none(), "a test cannot run: {why}");
    println!("skipped: {why}");
}

/// The watchdog. It waits for the end of stdin. Then it ends every process of the server whose folder is `$1`, after
/// about two seconds by SIGKILL, and removes the folder. It finds the processes by command line and title. A frozen
/// process needs a SIGCONT too, or it would not take the first signal.
const WATCHDOG: &str = r#"
trap '' HUP INT QUIT TERM
cd / || exit
while read -r _; do :; done
family() {
    for process in /proc/[0-9]*; do
        name= line=
        read -r name <"$process/comm"
        case $name in postgres | initdb | sh) read -r line <"$process/cmdline" ;; esac
        case $line in *"-D$1/data"* | "postgres: ${1##*/}: "*) echo "${process#/proc/}" ;; esac
    done
}
left=30
while all=$(family "$1"); [ -n "$all" ]; do
    if [ "$left" -gt 0 ]; then kill -s QUIT $all; kill -s CONT $all; else kill -s KILL $all; fi
    left=$((left - 1)); sleep 0.05
done
until rm -rf "$1" || [ "$left" -lt -100 ]; do left=$((left - 1)); sleep 0.05; done
"#;

/// Becomes the program `$@`, but only after a line on stdin. If the test process ends before it has sent the line, no
/// program starts that the watchdog does not find.
const GATE: &str = r#"read -r go && exec "$@" </dev/null"#;

/// The certificate and the private key of a server, as PEM files.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The certificate, or a chain with the server's own first.
    pub(crate) cert: PathBuf,
    /// The private key, without a password.
    pub(crate) key: PathBuf,
}

/// What a test can choose about its server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whether a commit waits for the disk.
    pub(crate) fsync: bool,
    /// How many clients may be connected.
    pub(crate) max_connections: u32,
    /// If set, the server offers TLS. It still accepts clients without TLS.
    pub(crate) tls: Option<Tls>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fsync: true, max_connections: 100, tls: None }
    }
}

/// How a server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Ends the sessions, then shuts down in order (SIGINT).
    Fast,
    /// Ends at once, as in a crash: the next start recovers (SIGQUIT).
    Immediate,
}

/// A running server. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub(crate) struct Server {
    postmaster: Mutex<Option<Child>>,
    watchdog: Child,
    folder: TempDir,
    /// The name of the folder. The processes of the server have it in their titles, by `cluster_name`.
    name: String,
    programs: PathBuf,
    /// The user and the group that run the server; `None`: those of this process.
    owner: Option<(u32, u32)>,
    settings: Settings,
    port: u16,
    password: String,
}

impl Server {
    /// Returns the folder of `initdb` and `postgres`: one of PATH, else that of the newest version in
    /// `/usr/lib/postgresql`.
    pub(crate) fn find() -> Result<PathBuf, String> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<u32> = installed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        versions.sort_unstable();
        folders.extend(versions.iter().rev().map(|version| format!("/usr/lib/postgresql/{version}/bin").into()));
        let found = folders.into_iter().find(|it| it.join("initdb").is_file() && it.join("postgres").is_file());
        found.ok_or_else(|| "neither PATH nor /usr/lib/postgresql/*/bin has `initdb` and `postgres`".to_owned())
    }

    /// Starts a server with the default settings, and waits until it accepts connections.
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_with(Settings::default())
    }

    /// Starts a server, and waits until it accepts connections. The error is a sentence with the log of the server.
    pub(crate) fn start_with(settings: Settings) -> Result<Self, String> {
        let (programs, owner) = (Self::find()?, owner()?);
        let random = || RandomState::new().build_hasher().finish();
        // The watchdog first. If this process ends in between, the watchdog removes the folder all the same.
        let name = format!("postgres-{:016x}", random());
        let place = path::absolute(env::temp_dir()).map_err(why("no place for temporary folders"))?;
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(place.join(&name)).process_group(0);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().map_err(why("cannot run `sh`"))?;
        let folder = Builder::new().prefix(&name).rand_bytes(0).tempdir_in(place);
        let folder = folder.map_err(why("no temporary folder"))?;
        let (postmaster, password) = (Mutex::new(None), format!("{:016x}", random()));
        let mut server = Self { postmaster, watchdog, folder, name, programs, owner, settings, port: 0, password };
        server.prepare()?;
        let mut ports = 5;
        loop {
            ports -= 1;
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
            server.port = free.map_err(why("no free port on 127.0.0.1"))?.port();
            match server.launch() {
                // Another process has taken the port between the two calls: try another one.
                Err(error) if ports > 0 && error.contains("Address already in use") => {}
                done => return done.map(|()| server),
            }
        }
    }

    /// Returns the URL of the database `postgres`, with user and password.
    pub(crate) fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Returns the URL of a database, with user and password.
    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("postgres://work_test:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Returns the password of the superuser.
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// Stops the server and waits for its end. The data stay. Does nothing if it is stopped already.
    pub(crate) fn stop(&self, mode: Mode) -> Result<(), String> {
        let Some(mut postmaster) = lock(&self.postmaster).take() else { return Ok(()) };
        signal(if mode == Mode::Fast { "INT" } else { "QUIT" }, &[postmaster.id()]);
        // A frozen process takes the signal only when it continues.
        signal("CONT", &self.family());
        let orderly = until(|| !matches!(postmaster.try_wait(), Ok(None)));
        // Processes are left if the server does not stop in time, or if it was killed while its children were busy.
        signal("KILL", &self.family());
        postmaster.wait().map_err(why("cannot wait for the server"))?;
        let gone = until(|| self.family().is_empty());
        if orderly && gone { Ok(()) } else { Err("the server did not stop in time".to_owned()) }
    }

    /// Stops the server in order, unless it is stopped, and starts it again: same port, same data.
    pub(crate) fn restart(&self) -> Result<(), String> {
        self.stop(Mode::Fast)?;
        self.launch()
    }

    /// Freezes every process of the server (SIGSTOP). Clients can still connect, and get no answer.
    pub(crate) fn freeze(&self) -> Result<(), String> {
        let main = self.main()?;
        let frozen = |pids: &[u32]| {
            signal("STOP", pids);
            until(|| pids.iter().all(|pid| matches!(state(*pid), None | Some('T'))))
        };
        // The postmaster first, so that it starts no more children while they are frozen.
        if frozen(&[main]) && frozen(&self.family()) { Ok(()) } else { Err("the server does not freeze".to_owned()) }
    }

    /// Lets a frozen server continue (SIGCONT).
    pub(crate) fn thaw(&self) -> Result<(), String> {
        self.main().map(|_| signal("CONT", &self.family()))
    }

    /// Returns the process id of the postmaster.
    fn main(&self) -> Result<u32, String> {
        Ok(lock(&self.postmaster).as_ref().ok_or("the server is not running")?.id())
    }

    /// Returns the process ids of the server. They are found by the data folder in the command line, or by the name in
    /// the title.
    fn family(&self) -> Vec<u32> {
        let (main, child) = (format!("-D\0{}\0", self.file("data").display()), format!("postgres: {}: ", self.name));
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let line = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let ours = |line: &str| line.contains(&main) || line.starts_with(&child);
        all.filter(|pid| ours(&String::from_utf8_lossy(&line(pid)))).collect()
    }

    /// Fills the folder: data, password, certificate, key.
    fn prepare(&self) -> Result<(), String> {
        self.give("", 0o755, Ok(()))?;
        self.give("data", 0o700, fs::create_dir(self.file("data")))?;
        self.give("password", 0o600, fs::write(self.file("password"), &self.password))?;
        if let Some(Tls { cert, key }) = &self.settings.tls {
            for (from, name) in [(cert, "cert.pem"), (key, "key.pem")] {
                let content = fs::read(from).map_err(why(format!("cannot read {}", from.display())))?;
                self.give(name, 0o600, fs::write(self.file(name), content))?;
            }
        }
        let fixed = "--no-sync --no-instructions --encoding=UTF8 --locale=C --auth=scram-sha-256 \
                     --username=work_test --pwfile=../password";
        let done = self.spawn("initdb", fixed)?.wait().is_ok_and(|status| status.success());
        if done { Ok(()) } else { Err(format!("initdb failed:\n{}", self.log())) }
    }

    /// Starts `postgres`, and waits until it accepts connections.
    fn launch(&self) -> Result<(), String> {
        let Settings { fsync, max_connections, tls } = &self.settings;
        let tls = if tls.is_some() { "-c ssl=on -c ssl_cert_file=../cert.pem -c ssl_key_file=../key.pem" } else { "" };
        // The socket goes beside the data folder. Its path is relative, because a whole one can be too long for a
        // socket.
        let places = format!("-c listen_addresses=127.0.0.1 -p {} -c unix_socket_directories=..", self.port);
        let limits = format!("-c fsync={fsync} -c max_connections={max_connections} -c cluster_name={}", self.name);
        let postmaster = self.spawn("postgres", &format!("{places} {limits} {tls}"))?;
        let main = postmaster.id();
        *lock(&self.postmaster) = Some(postmaster);
        // The log first. While nobody listens on the port, a connection could get that port as its own, and connect to
        // itself.
        let logged = || self.log().contains("ready to accept connections");
        let taken = || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        let over = until(|| state(main).is_none() || logged() && taken());
        if over && state(main).is_some() {
            return Ok(());
        }
        let _ = self.stop(Mode::Immediate);
        Err(format!("postgres did not come up:\n{}", self.log()))
    }

    /// Runs a program of `PostgreSQL` in the data folder, where the watchdog finds it. Its output becomes the log.
    fn spawn(&self, program: &str, arguments: &str) -> Result<Child, String> {
        let (path, data) = (self.programs.join(program), self.file("data"));
        let why = || why(format!("cannot run {} as user {:?} in {}", path.display(), self.owner, data.display()));
        let log = fs::File::create(self.file("log")).map_err(why())?;
        let mut command = Command::new("sh");
        command.args(["-c", GATE, "gate"]).arg(&path).arg("-D").arg(&data);
        command.args(arguments.split_whitespace()).current_dir(&data).process_group(0);
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command.env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::piped());
        let mut child = command.stdout(log.try_clone().map_err(why())?).stderr(log).spawn().map_err(why())?;
        child.stdin.take().ok_or("no pipe to the server")?.write_all(b"go\n").map_err(why())?;
        Ok(child)
    }

    /// Returns the output of the program that was run last.
    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("log")).unwrap_or_default()).into_owned()
    }

    /// Returns the path of a file in the server's folder.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets the mode of a new file in the folder, and makes the server's user its owner. `done` is the result of making
    /// it.
    fn give(&self, name: &str, mode: u32, done: io::Result<()>) -> Result<(), String> {
        let path = self.file(name);
        let given = done
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .and_then(|()| self.owner.map_or(Ok(()), |(uid, gid)| chown(&path, Some(uid), Some(gid))));
        given.map_err(why(format!("cannot prepare {}", path.display())))
    }
}

/// The database server that the tests share.
#[derive(Debug)]
pub(crate) enum Database {
    /// Started by this process.
    Own(Box<Server>),
    /// The server at the URL in `WORK_TEST_POSTGRES`. Its user must be able to make databases; these stay there.
    Given(String),
}

impl Database {
    /// Returns the server that `WORK_TEST_POSTGRES` names, else starts one.
    pub(crate) fn find() -> Result<Self, String> {
        match env::var("WORK_TEST_POSTGRES") {
            Ok(url) if !url.is_empty() => Ok(Self::Given(url)),
            _ => Server::start().map(|server| Self::Own(Box::new(server))),
        }
    }

    /// Makes an empty database and returns its URL, without TLS.
    pub(crate) fn fresh(&self) -> String {
        let name = format!("work_test_{:016x}", RandomState::new().build_hasher().finish());
        let url = match self {
            Self::Own(server) => server.url(),
            Self::Given(url) => url.clone(),
        };
        execute(&format!("{url}?sslmode=disable"), &format!("CREATE DATABASE {name}"));
        let (server, _) = url.rsplit_once('/').unwrap_or((&url, ""));
        format!("{server}/{name}?sslmode=disable")
    }
}

/// Runs SQL in a database, and returns the first column of each row that is not null.
pub(crate) fn execute(url: &str, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let driven = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        drop(client);
        let _ = driven.await;
        let row = |message: tokio_postgres::SimpleQueryMessage| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        messages.into_iter().filter_map(row).collect()
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop(Mode::Immediate);
        // `wait` closes the pipe first, and the watchdog then removes the folder.
        let _ = self.watchdog.wait();
    }
}

/// Locks a mutex, also one that a panic has poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a closure for `map_err` that puts `what` in front of an error.
fn why(what: impl Display) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// Returns the user and the group that must run the server; `None` if this process may. `PostgreSQL` refuses to run as
/// root.
fn owner() -> Result<Option<(u32, u32)>, String> {
    if fs::metadata("/proc/self").map_err(why("cannot read /proc/self"))?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(why("cannot read /etc/passwd"))?;
    let ids = |name: &str| {
        let mut fields = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = ids("postgres").or_else(|| ids("nobody"));
    found.map(Some).ok_or_else(|| "PostgreSQL refuses root, and there is no user postgres or nobody".to_owned())
}

/// Asks every 5 milliseconds until `so` is true. Returns false if it is not within 30 seconds.
fn until(mut so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
    true
}

/// Returns the state of a process, such as `T` for stopped; `None` if it has ended.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let state = String::from_utf8_lossy(&stat).rsplit_once(") ")?.1.chars().next()?;
    (!matches!(state, 'Z' | 'X')).then_some(state)
}

/// Sends a signal to processes. One that has ended already is no error. `kill` is built into `sh`, so no program is
/// needed.
fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    let _ = Command::new("sh").args(["-c", r#"kill -s "$0" "$@""#, name]).args(pids).output();
}
