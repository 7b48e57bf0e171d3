//! Refuses requests for hosts that this server is not.
//!
//! A page of any site can make its own name resolve to this machine (DNS rebinding); to the browser the server is then
//! of the page's origin, and the page may read everything. What the page cannot change is the name that the browser
//! sends.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use smoothcam::Error;

use crate::rejection::Rejection;

/// Stands for every host.
const ANY: &str = "*";

/// The hosts that requests may name, at any port.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Lower-case names; empty where all are allowed.
    names: Vec<String>,
    any: bool,
    /// Whether only addresses of this machine for itself are allowed, besides names.
    local: bool,
}

impl Hosts {
    /// The hosts of a server that listens at `address`: names that are given, `localhost`, and addresses. Where it
    /// listens for this machine only, the addresses are this machine's for itself. Elsewhere every name is allowed if
    /// none is given; so it is where the address is not known.
    ///
    /// # Errors
    /// If one of the names is not the name of a host.
    pub(crate) fn new(names: &[String], address: Option<IpAddr>) -> smoothcam::Result<Hosts> {
        let local = address.is_some_and(|a| a.to_canonical().is_loopback());
        let wrong = |name: &String| {
            Error::input(format!("'{name}' is not the name of a host")).with_hint(
                "a host is such as example.com or 192.168.1.5, without a port, or * for all",
            )
        };
        for name in names.iter().filter(|n| *n != ANY) {
            let plain = name.parse::<Authority>().is_ok_and(|a| a.host() == name);
            if !plain && name.parse::<Ipv6Addr>().is_err() {
                return Err(wrong(name));
            }
        }
        let any = names.iter().any(|n| n == ANY) || (names.is_empty() && !local);
        Ok(Hosts { names: names.iter().map(|n| normal(n)).collect(), any, local })
    }

    /// Whether all hosts that a request names are allowed: none (HTTP/1.0), one in the header or in the address, or
    /// both.
    fn allow(&self, headers: &HeaderMap, address: &Uri) -> bool {
        let in_header = headers.get_all(header::HOST).iter().map(|host| {
            let host: Option<Authority> = host.to_str().ok().and_then(|host| host.parse().ok());
            host.filter(|host| !host.as_str().contains('@'))
        });
        let mut named = address.authority().cloned().map(Some).into_iter().chain(in_header);
        named.all(|host| self.any || host.is_some_and(|host| self.allows(host.host())))
    }

    fn allows(&self, host: &str) -> bool {
        let host = normal(host);
        let address = host.parse::<IpAddr>().ok().map(|a| a.to_canonical());
        host == "localhost"
            || address.is_some_and(|a| !self.local || a.is_loopback())
            || self.names.contains(&host)
    }
}

/// A host's name in one form: lower case, without the brackets of IPv6 addresses and the dot of a full name.
fn normal(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Lets requests for hosts that are allowed pass.
pub(crate) async fn hosts(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.allow(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    Rejection::new(StatusCode::MISDIRECTED_REQUEST, "this server does not serve the host that the request names")
        .with_hint("use the address that the server prints when it starts; whoever runs the server can allow this host")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_of_this_server_are_refused() {
        let machine = Some(IpAddr::from([127, 0, 0, 1]));
        let network = Some(IpAddr::from([0, 0, 0, 0]));
        let named: &[&str] = &["Example.com"];
        for (names, address, host, allowed) in [
            (&[][..], machine, "localhost:8000", true),
            (&[], machine, "LOCALHOST", true),
            (&[], machine, "localhost.", true),
            (&[], machine, "127.0.0.1", true),
            (&[], machine, "127.0.0.1:1", true),
            (&[], machine, "[::1]:8000", true),
            (&[], machine, "evil.example:8000", false),
            (&[], machine, "localhost.evil.example", false),
            (&[], machine, "127.0.0.1.evil.example", false),
            (&[], machine, "localhost@evil.example", false),
            (&[], machine, "evil.example@localhost", false),
            (&[], machine, "192.168.1.5:8000", false),
            (&[], machine, "0.0.0.0", false),
            (&[], machine, "[2001:db8::1]", false),
            (&[], machine, "", false),
            (&[], machine, "a b", false),
            (&[], Some(Ipv6Addr::LOCALHOST.into()), "evil.example", false),
            (named, machine, "example.com", true),
            (named, machine, "EXAMPLE.com:443", true),
            (named, machine, "www.example.com", false),
            (named, machine, "localhost", true),
            (&["*"], machine, "evil.example", true),
            (&[], network, "any.example", true),
            (&[], None, "any.example", true),
            (named, network, "example.com:8000", true),
            (named, network, "evil.example", false),
            (named, network, "192.168.1.5:8000", true),
            (named, network, "[2001:db8::1]:8000", true),
        ] {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            let hosts = Hosts::new(&names, address).unwrap();
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            let uri = Uri::from_static("/about");
            assert_eq!(hosts.allow(&headers, &uri), allowed, "{names:?} {address:?} '{host}'");
        }
    }

    #[test]
    fn every_host_that_is_named_must_be_allowed() {
        let hosts = Hosts::new(&[], Some(IpAddr::from([127, 0, 0, 1]))).unwrap();
        for (in_headers, uri, allowed) in [
            (&[][..], "/about", true),
            (&["localhost"], "http://127.0.0.1:8000/about", true),
            (&["localhost"], "http://evil.example/about", false),
            (&["evil.example"], "http://localhost/about", false),
            (&["localhost", "evil.example"], "/about", false),
        ] {
            let headers = in_headers.iter().map(|h| (header::HOST, h.parse().unwrap()));
            let mut map = HeaderMap::new();
            headers.for_each(|(name, value)| {
                map.append(name, value);
            });
            assert_eq!(hosts.allow(&map, &uri.parse().unwrap()), allowed, "{in_headers:?} {uri}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for name in ["", "https://example.com", "example.com:8000", "a/b", "a b", "user@a"] {
            let error = Hosts::new(&[name.to_owned()], None).unwrap_err().to_string();
            assert!(error.contains("is not the name of a host"), "{error}");
        }
        assert!(Hosts::new(&["2001:db8::1".into(), "[::1]".into()], None).is_ok());
    }
}
