//! What TCP makes of its socket options (tcp(7), socket(7)).

use smoltcp::time::Duration;

use crate::net::options::{KEEPALIVE, KEEPCNT, KEEPIDLE, KEEPINTVL, Options, USER_TIMEOUT};

/// Time between probes, and the silence after which the peer is dead. smoltcp has one interval: the
/// idle time stands for both.
pub fn keepalive(options: &Options) -> Option<(Duration, Duration)> {
    if !options.is_on(KEEPALIVE) {
        return None;
    }
    let number = |key| u64::from(options.number(key).unsigned_abs());
    let idle = number(KEEPIDLE);
    let dead_after = idle + number(KEEPINTVL) * number(KEEPCNT);
    Some((Duration::from_secs(idle), Duration::from_secs(dead_after)))
}

pub fn user_timeout(options: &Options) -> Option<Duration> {
    let milliseconds = options.number(USER_TIMEOUT).unsigned_abs();
    (milliseconds != 0).then(|| Duration::from_millis(milliseconds.into()))
}
