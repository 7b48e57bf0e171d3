//! Starts the servers that the documentation's commands start, at an address that is free.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// The address that the documentation's requests are made to.
pub(crate) const DOCUMENTED: &str = "127.0.0.1:8000";

/// A server, which ends when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts `smoothcam` with these arguments, of which `--listen` is replaced, and asks once whether it lives.
    pub(crate) fn start(mut command: Command, arguments: &[String]) -> Result<Server, String> {
        let mut arguments = arguments.to_vec();
        if let Some(at) = arguments.iter().position(|a| a == "--listen") {
            arguments.drain(at..at + 2);
        }
        command.args(arguments).args(["--listen", "127.0.0.1:0", "--log", "none"]);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        }
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next());
        let address = address.unwrap_or_default().to_owned();
        let server = Server { child, address };
        let answer = server.get("/v2/health/live").map_err(|e| format!("{e}: it said '{line}'"))?;
        let ok = answer.starts_with("HTTP/1.1 200");
        ok.then_some(server).ok_or(format!("/v2/health/live: {answer}"))
    }

    fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
