//! The server as a process: what it answers is what the command line makes, and how it begins and ends.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::Folder;

const INPUT: i32 = 2;

/// A server, which ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Of `model.onnx` in the folder.
    fn new(folder: &Folder, args: &[&str]) -> Server {
        let command = folder.command(&[&["serve", "--model", "model.onnx"], args].concat());
        Server::of(command)
    }

    fn of(mut command: Command) -> Server {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.split_once("http://").unwrap().1.split(' ').next().unwrap().to_owned();
        Server { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends a request of these headers and reads until the connection is closed.
    fn ask(&self, head: &str, body: &[u8]) -> (String, Vec<u8>) {
        let mut stream = self.connect();
        let length = body.len();
        let head = format!(
            "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        answer(stream)
    }

    /// Tells it to end by SIGTERM.
    #[cfg(unix)]
    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer's head and body.
fn answer(mut stream: TcpStream) -> (String, Vec<u8>) {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let body = all.split_off(end + 4);
    (String::from_utf8(all).unwrap(), body)
}

#[test]
fn pictures_are_those_of_the_command_line() {
    let folder = Folder::new();
    let server = Server::new(&folder, &["--log", "none"]);
    let cat = folder.read("cat.png");
    for (flags, query) in [
        (&["--method", "grad-cam"][..], "method=grad-cam"),
        (&["--samples", "4", "--seed", "7", "--class", "owl"], "samples=4&seed=7&class=owl"),
        (
            &[
                "--layer",
                "block1",
                "--sigma",
                "0.3",
                "--samples",
                "2",
                "--maps",
                "0-2",
                "--neurons",
                "1-5,2-6",
            ],
            "layer=block1&sigma=0.3&samples=2&maps=0-2&neurons=1-5,2-6",
        ),
        (
            &["--opacity", "0.3", "--colormap", "viridis", "--signed"],
            "opacity=0.3&colormap=viridis&signed=true",
        ),
    ] {
        let explain = ["explain", "cat.png", "--model", "model.onnx", "-o", "map.png"];
        folder.run(&[&explain, flags].concat());
        let head = format!("POST /explain?{query} HTTP/1.1\r\nAccept: image/png");
        let (head, picture) = server.ask(&head, &cat);
        assert!(head.starts_with("HTTP/1.1 200"), "{query}: {head}");
        assert!(picture == folder.read("map.png"), "{query}: another picture");
    }
}

#[test]
fn what_cannot_be_served_is_refused_with_a_way_out() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    folder.write("empty.txt", b"\n");
    folder.write("lines.txt", b"a\nb\n");
    for (args, words) in [
        (&["--listen", &taken][..], &["cannot listen at", "hint: name host and port"][..]),
        (&["--listen", "nowhere"], &["cannot listen at 'nowhere'", "hint: "]),
        (&["--listen", "127.0.0.1:99999"], &["cannot listen at", "hint: "]),
        (&["--listen", "256.0.0.1:80"], &["cannot listen at", "hint: "]),
        (
            &["--model", "a/b=model.onnx"],
            &["cannot be served as 'a/b'", "hint: give it another name"],
        ),
        (&["--model", "=model.onnx"], &["cannot be served as ''", "hint: "]),
        (
            &["--model", "a=model.onnx", "--model", "a=model.onnx"],
            &["two models are named 'a'", "hint: "],
        ),
        (&["--model", "gone.onnx"], &["gone.onnx"]),
        (&["--model", "a=model.onnx", "--model", "b=gone.onnx"], &["model 'b'", "gone.onnx"]),
        (
            &["--model", "model.onnx", "--token-file", "gone.txt"],
            &["cannot read the token 'gone.txt'"],
        ),
        (
            &["--model", "model.onnx", "--token-file", "empty.txt"],
            &["the token is empty", "hint: "],
        ),
        (
            &["--model", "model.onnx", "--token-file", "lines.txt"],
            &["no header may hold", "hint: "],
        ),
        (&["--model", "model.onnx", "--allow-origin", "nowhere"], &["origin", "hint: "]),
        (
            &["--model", "model.onnx", "--host-name", "https://a.example"],
            &[
                "'https://a.example' is not the name of a host",
                "hint: a host is such as example.com",
            ],
        ),
        (&["--concurrency", "0"], &["--concurrency"]),
        (&["--time-limit", "-1"], &["--time-limit"]),
        (&["--max-body", "much"], &["--max-body"]),
    ] {
        // Whatever is wrong, nothing is served.
        let args: &[&str] = &[&["serve", "--log", "none"], args].concat();
        let with_model = [args, &["--model", "model.onnx"]].concat();
        folder.refuses(if args.contains(&"--model") { args } else { &with_model }, INPUT, words);
    }
}

/// A server that other machines reach says what that means, unless it requires a token.
#[cfg(unix)]
#[test]
fn listening_beyond_this_machine_without_a_token_is_warned_of() {
    let folder = Folder::new();
    folder.write("token.txt", b"secret");
    for (listen, token, log, warned) in [
        ("0.0.0.0:0", &[][..], "none", true),
        ("0.0.0.0:0", &[], "json", true),
        ("0.0.0.0:0", &["--token-file", "token.txt"], "none", false),
        ("127.0.0.1:0", &[], "none", false),
    ] {
        let args = ["serve", "--model", "model.onnx", "--listen", listen, "--log", log];
        let mut command = folder.command(&[&args, token].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("http://"), "{line}");
        child.kill().unwrap();
        let told = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        let line = "warning: other machines can send requests here, and no token is required";
        assert_eq!(told.contains(line), warned, "{listen} {token:?}: {told}");
        assert_eq!(told.contains("--token-file"), warned, "{told}");
        let logged = told.contains("\"level\":\"WARN\"");
        assert_eq!(logged, warned && log == "json", "{told}");
    }
}

#[cfg(unix)]
#[test]
fn told_to_end_it_answers_what_is_in_work() {
    let folder = Folder::new();
    let mut server = Server::new(&folder, &["--log", "none"]);
    let cat = folder.read("cat.png");
    // Half of a request has arrived, and a connection is open that asks nothing.
    let idle = server.connect();
    let mut stream = server.connect();
    let length = cat.len();
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server says so once it reads the body.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).unwrap();
    stream.write_all(&cat[..100]).unwrap();
    server.terminate();
    // Before long, no others are taken.
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(&cat[100..]).unwrap();
    let (head, body) = answer(stream);
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("connection: close"), "{head}");
    assert!(String::from_utf8_lossy(&body).contains("\"predictions\""));
    assert!(server.child.wait().unwrap().success());
    drop(idle);
}

#[test]
fn it_serves_on_when_nobody_reads_what_it_prints() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--model", "model.onnx", "--log", "json"]);
    command.stderr(Stdio::piped());
    let mut server = Server::of(command);
    // The reader of stdout has left within `of`; now that of stderr does.
    drop(server.child.stderr.take());
    for _ in 0..3 {
        let (head, _) = server.ask("GET /v2/health/live HTTP/1.1", b"");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
    assert!(server.child.try_wait().unwrap().is_none());
}

#[test]
fn refusals_reach_clients_that_are_still_sending() {
    let folder = Folder::new();
    let server = Server::new(&folder, &["--log", "none"]);
    let large = vec![0; 20_000_000];
    for (head, status) in [
        ("POST /explain HTTP/1.1", "413"),
        ("POST /explain?colour=red HTTP/1.1", "400"),
        ("POST /nowhere HTTP/1.1", "404"),
        ("PUT /explain HTTP/1.1", "405"),
        ("POST /explain HTTP/1.1\r\nAccept: text/html", "406"),
        ("POST /explain HTTP/1.1\r\nOrigin: https://a.example", "403"),
    ] {
        let (told, body) = server.ask(head, &large);
        assert!(told.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {told}");
        assert!(body.starts_with(b"{\"error\":"), "{head}");
    }
    // A client that asks before it sends is spared the sending.
    let mut stream = server.connect();
    let head = "POST /explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let (told, _) = answer(stream);
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
}

#[test]
fn what_is_no_http_harms_nobody() {
    let folder = Folder::new();
    let server = Server::new(&folder, &["--log", "none"]);
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let header =
        format!("GET /about HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(1_000_000));
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01".as_slice(), "400"),
        (b"GET\r\n\r\n", "400"),
        (b"GET / HTTP/9.9\r\n\r\n", "400"),
        (b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", "400"),
        (b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", "400"),
        (long.as_bytes(), "414"),
        (header.as_bytes(), "431"),
    ] {
        let mut stream = server.connect();
        let _ = stream.write_all(bytes);
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        let told = String::from_utf8_lossy(&told);
        // A connection may be broken by what is still being sent.
        let refused = told.starts_with(&format!("HTTP/1.1 {status}"));
        assert!(refused || bytes.len() > 60_000 && told.is_empty(), "{status}: {told}");
    }
    assert!(server.ask("GET /v2/health/live HTTP/1.1", b"").0.starts_with("HTTP/1.1 200"));
}
