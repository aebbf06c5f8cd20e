//! Names of senders (`$fromhost`): reverse look-ups that never hold up more than the sender that
//! is asked about, remembered for all shards.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::base::limits::SOURCES_MAX;

/// Look-ups at a time; a slow resolver costs so many threads and no more.
const LOOKUPS_AT_A_TIME: usize = 16;

/// The cache of names. A name that could not be found is the address, as in rsyslog.
#[derive(Debug)]
pub struct Names {
    /// `-x` or `global(net.enableDNS="off")`: everybody goes by the address.
    enabled: bool,
    /// Cut from names within it, unless `preserveFQDN`; with its leading dot.
    local_domain: Option<String>,
    known: Arc<Mutex<HashMap<IpAddr, Arc<str>>>>,
    answers: Arc<AtomicU64>,
    lookups: Arc<Semaphore>,
}

impl Names {
    /// `local_domain` is cut from names that end with it (rsyslog without `preserveFQDN`).
    #[must_use]
    pub fn new(enabled: bool, local_domain: Option<&str>) -> Self {
        Self {
            enabled,
            local_domain: local_domain.filter(|d| !d.is_empty()).map(|d| format!(".{d}")),
            known: Arc::default(),
            answers: Arc::default(),
            lookups: Arc::new(Semaphore::new(LOOKUPS_AT_A_TIME)),
        }
    }

    /// Grows with every answer that came; unchanged, there is nothing new to be learnt from
    /// [`Names::cached`].
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// The name of `ip`, if it was asked for and answered.
    #[must_use]
    pub fn cached(&self, ip: IpAddr) -> Option<Arc<str>> {
        if !self.enabled {
            return Some(ip.to_string().into());
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&ip).cloned()
    }

    /// The name of `ip`. A look-up that was begun goes on after an error, and [`Names::cached`]
    /// will know.
    ///
    /// # Errors
    /// The resolver did not answer within `patience`: what [`Names::answers`] was before it was
    /// asked. The answer may be there by now, so what it is now would not tell.
    pub async fn name(&self, ip: IpAddr, patience: Duration) -> Result<Arc<str>, u64> {
        let before = self.answers();
        if let Some(name) = self.cached(ip) {
            return Ok(name);
        }
        let answer = tokio::time::timeout(patience, self.ask(ip)).await;
        answer.ok().flatten().ok_or(before)
    }

    /// `name` with the domain that was cut from it.
    #[must_use]
    pub fn full<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match &self.local_domain {
            Some(domain) if !name.contains('.') => format!("{name}{domain}").into(),
            _ => name.into(),
        }
    }

    async fn ask(&self, ip: IpAddr) -> Option<Arc<str>> {
        let permit = self.lookups.clone().acquire_owned().await.ok()?;
        // Many connections of one peer wait for their turn together; the first one asks.
        if let Some(name) = self.cached(ip) {
            return Some(name);
        }
        let (known, answers) = (self.known.clone(), self.answers.clone());
        let domain = self.local_domain.clone();
        let lookup = tokio::task::spawn_blocking(move || {
            let name = lookup(ip, domain.as_deref());
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= SOURCES_MAX {
                known.clear();
            }
            known.insert(ip, name.clone());
            answers.fetch_add(1, Ordering::Relaxed);
            drop(permit);
            name
        });
        lookup.await.ok()
    }
}

fn lookup(ip: IpAddr, local_domain: Option<&str>) -> Arc<str> {
    match dns_lookup::lookup_addr(&ip) {
        // Whoever has the address has its PTR record, and may write another's address there.
        Ok(name) if name.parse::<IpAddr>().is_ok() => ip.to_string().into(),
        Ok(name) => match local_domain.and_then(|domain| name.strip_suffix(domain)) {
            Some(short) => short.into(),
            None => name.into(),
        },
        Err(_) => ip.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_dns_the_address_is_the_name() {
        let names = Names::new(false, None);
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(names.name(ip, Duration::ZERO).await.as_deref(), Ok("192.0.2.1"));
    }

    #[test]
    fn a_domain_that_was_cut_can_be_put_back() {
        let names = Names::new(true, Some("example.net"));
        assert_eq!(names.full("web"), "web.example.net");
        assert_eq!(names.full("web.example.org"), "web.example.org");
        assert_eq!(Names::new(true, None).full("web"), "web");
    }

    #[tokio::test]
    async fn more_than_fit_at_a_time_wait_for_their_turn() {
        let names = Names::new(true, None);
        let all = names.lookups.clone().acquire_many_owned(16).await.unwrap();
        let ip: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(names.name(ip, Duration::from_millis(10)).await, Err(0));
        let waiting = names.name(ip, Duration::from_secs(20));
        let (name, ()) = tokio::join!(waiting, async { drop(all) });
        assert!(name.is_ok());
    }

    #[tokio::test]
    async fn an_answer_is_remembered() {
        let names = Names::new(true, None);
        let ip: IpAddr = "127.0.0.1".parse().unwrap();
        let name = names.name(ip, Duration::from_secs(20)).await.unwrap();
        assert!(!name.is_empty());
        assert_eq!(names.answers(), 1);
        assert_eq!(names.cached(ip), Some(name));
    }
}
