//! Which proxy a server is reached through, as kubectl (Go) decides it: the cluster's `proxy-url` always wins;
//! else HTTPS_PROXY or HTTP_PROXY by the server's scheme, never for loopback, and NO_PROXY as Go reads it.

use std::net::IpAddr;

/// The proxy settings of the environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProxyEnv {
    pub https: Option<String>,
    pub http: Option<String>,
    pub no_proxy: Option<String>,
}

impl ProxyEnv {
    /// Of this process; the upper-case name wins.
    pub fn of_process() -> Self {
        let any = |upper: &str, lower: &str| {
            [upper, lower]
                .into_iter()
                .filter_map(|name| std::env::var(name).ok())
                .find(|value| !value.is_empty())
        };
        Self {
            https: any("HTTPS_PROXY", "https_proxy"),
            http: any("HTTP_PROXY", "http_proxy"),
            no_proxy: any("NO_PROXY", "no_proxy"),
        }
    }

    /// The proxy URL for a server, if any.
    pub fn choose(&self, configured: Option<&str>, server: &http::Uri) -> Option<String> {
        if let Some(url) = configured.filter(|url| !url.is_empty()) {
            return Some(normal(url));
        }
        let url = match server.scheme_str() {
            Some("http") => self.http.as_deref(),
            _ => self.https.as_deref(),
        }?;
        let host = server.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let default = if server.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = server.port_u16().unwrap_or(default);
        (!self.bypasses(&host, port)).then(|| normal(url))
    }

    fn bypasses(&self, host: &str, port: u16) -> bool {
        let ip: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let list = self.no_proxy.as_deref().unwrap_or_default();
        list.split(',')
            .map(|entry| entry.trim().to_ascii_lowercase())
            .any(|entry| matches(&entry, host, ip, port))
    }
}

fn matches(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let Some((net, bits)) = entry.split_once('/')
        && let (Ok(net), Ok(bits)) = (net.parse(), bits.parse())
    {
        return ip.is_some_and(|ip| within(ip, net, bits));
    }
    // host:port, but not a bare IPv6 address
    let (name, only) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
            (name, digits.parse::<u16>().ok())
        }
        _ => (entry, None),
    };
    if only.is_some_and(|only| only != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    if let Ok(entry_ip) = name.parse::<IpAddr>() {
        return ip == Some(entry_ip);
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.ends_with(&format!(".{name}")),
    }
}

fn within(ip: IpAddr, net: IpAddr, bits: u32) -> bool {
    match (ip, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        _ => false,
    }
}

/// A proxy without scheme is an http one; socks5h differs from socks5 only in who resolves names, which is the proxy here.
fn normal(url: &str) -> String {
    match url.split_once("://") {
        None => format!("http://{url}"),
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn env(no_proxy: &str) -> ProxyEnv {
        ProxyEnv {
            https: Some("proxy.corp:3128".into()),
            http: None,
            no_proxy: Some(no_proxy.into()),
        }
    }

    #[rstest]
    #[case("https://api.corp:6443", "", true)]
    #[case("https://127.0.0.1:6443", "", false)]
    #[case("https://localhost:6443", "", false)]
    #[case("http://api.corp", "", false)]
    #[case("https://api.corp", "*", false)]
    #[case("https://api.corp", "corp", false)]
    #[case("https://apicorp", "corp", true)]
    #[case("https://api.corp", " .corp , x", false)]
    #[case("https://corp", ".corp", true)]
    #[case("https://api.corp", "*.corp", false)]
    #[case("https://api.corp:6443", "api.corp:6443", false)]
    #[case("https://api.corp:6443", "api.corp:443", true)]
    #[case("https://10.1.2.3", "10.0.0.0/8", false)]
    #[case("https://11.1.2.3", "10.0.0.0/8", true)]
    #[case("https://[fd00::1]:6443", "fd00::/8", false)]
    #[case("https://[fd00::1]:6443", "fd00::1", false)]
    fn as_go_reads_it(#[case] server: &str, #[case] no_proxy: &str, #[case] proxied: bool) {
        let chosen = env(no_proxy).choose(None, &server.parse().unwrap());
        assert_eq!(chosen.is_some(), proxied);
        assert!(chosen.is_none_or(|url| url == "http://proxy.corp:3128"));
    }

    #[test]
    fn the_clusters_own_proxy_always_wins() {
        let chosen = env("*").choose(
            Some("socks5h://bastion:1080"),
            &"https://127.0.0.1".parse().unwrap(),
        );
        assert_eq!(chosen.as_deref(), Some("socks5://bastion:1080"));
    }
}
