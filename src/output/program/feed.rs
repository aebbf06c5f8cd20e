//! Messages on their way into the program, and its answers.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use crate::base::reporter::Level;
use crate::output::Task;
use crate::output::program::ProgramSpec;
use crate::output::program::child::Child;
use crate::output::task::Health;
use crate::output::task::Pending;

/// Why messages did not get through.
enum Failure {
    /// The program has to be started anew.
    Program(String),
    /// The program runs, and did not take this message.
    Refused(String),
}

/// What a confirmation says.
enum Answer {
    Taken,
    /// All before this message is safe: a transaction ended in front of it.
    TakenBehind,
}

struct Feed<'a> {
    spec: &'a ProgramSpec,
    child: Option<Child>,
    /// It was said that the child answers without being asked.
    strays_said: bool,
    task: Task,
}

/// Feeds the program with what comes out of the task's queue until nothing will come any more.
pub(in crate::output) async fn run(spec: ProgramSpec, task: Task) {
    let mut health = Health::new(&task, &spec.common);
    let mut feed = Feed { spec: &spec, child: None, strays_said: false, task };
    let mut pending = Pending::default();
    while !pending.is_empty() || feed.wait(&mut pending, &health).await {
        match feed.deliver(&mut pending).await {
            Ok(()) => health.worked(),
            Err(Failure::Refused(why)) => {
                if spec.report_failures {
                    health.say(Level::Warning, &why);
                }
                health.pause(&why, &mut pending, &feed.task).await;
            }
            Err(Failure::Program(why)) => {
                pending.rewind();
                feed.close(&health).await;
                health.pause(&why, &mut pending, &feed.task).await;
            }
        }
    }
    feed.close(&health).await;
}

impl Feed<'_> {
    /// Waits for messages, with an eye on the program. False at the end of the queue.
    async fn wait(&mut self, pending: &mut Pending, health: &Health) -> bool {
        loop {
            let Self { child, task, .. } = &mut *self;
            let ended = async {
                match child {
                    Some(child) => child.ended().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = task.signals.reopened() => self.on_hup(),
                status = ended => {
                    if let Some(child) = self.child.take() {
                        child.buried().await;
                    }
                    let status = status.map_or_else(|e| e.to_string(), |status| status.to_string());
                    health.note(&format!("{}; the next message starts it anew", self.says(&status)));
                }
                more = task.queue.take(&mut pending.chunks) => return more,
            }
        }
    }

    fn on_hup(&mut self) {
        self.task.signals.take_reopen();
        if let (Some(child), Some(signal)) = (&self.child, self.spec.on_hup) {
            child.signal(signal);
        }
    }

    fn says(&self, what: &str) -> String {
        format!("program {} ended ({what})", self.spec.binary.display())
    }

    async fn close(&mut self, health: &Health) {
        if let Some(child) = self.child.take()
            && let Some(complaint) = child.close(self.spec).await
        {
            health.note(&format!("program {} {complaint}", self.spec.binary.display()));
        }
    }

    /// Starts the program if it does not run; where it confirms, it says first that it is ready.
    async fn start(&mut self) -> Result<(), Failure> {
        if self.child.is_some() {
            return Ok(());
        }
        let path = self.spec.binary.display();
        let child = Child::start(self.spec, &self.task.signals)
            .map_err(|e| Failure::Program(format!("cannot start {path}: {e}")))?;
        self.child = Some(child);
        self.strays_said = false;
        self.task.stats.opened.add(1);
        if self.spec.confirm.is_some() {
            // Whatever it says, it is not ready unless that is OK.
            self.confirmed().await.map_err(|failure| match failure {
                Failure::Refused(why) | Failure::Program(why) => Failure::Program(why),
            })?;
        }
        Ok(())
    }

    /// Hands over all that is pending.
    async fn deliver(&mut self, pending: &mut Pending) -> Result<(), Failure> {
        while !pending.is_empty() {
            self.start().await?;
            if let Some((begin, _)) = &self.spec.transaction {
                self.say(begin.as_bytes()).await?;
            }
            match self.spec.confirm {
                Some(_) => self.one_by_one(pending).await?,
                None => self.chunk(pending).await?,
            }
        }
        Ok(())
    }

    /// Writes the first chunk, whole. A transaction that was broken off begins with its first
    /// message again.
    async fn chunk(&mut self, pending: &mut Pending) -> Result<(), Failure> {
        if self.spec.transaction.is_some() {
            pending.offset = 0;
        }
        while let Some(chunk) = pending.chunks.front()
            && pending.offset < chunk.bytes.len()
        {
            pending.offset += self.write(&chunk.bytes[pending.offset..]).await?;
        }
        self.commit(pending).await
    }

    /// Writes the messages of the first chunk one after the other, each when the one before it was
    /// confirmed.
    async fn one_by_one(&mut self, pending: &mut Pending) -> Result<(), Failure> {
        let mut sent = pending.offset;
        while let Some(chunk) = pending.chunks.front()
            && sent < chunk.bytes.len()
        {
            let through = chunk.ends.partition_point(|end| *end as usize <= sent);
            let end = chunk.ends.get(through).map_or(chunk.bytes.len(), |end| *end as usize);
            let answer = {
                let message = chunk.bytes[sent..end].to_vec();
                self.forget_strays();
                self.write_all(&message).await?;
                self.confirmed().await?
            };
            match answer {
                Answer::TakenBehind => pending.offset = sent,
                Answer::Taken if self.spec.transaction.is_none() => pending.offset = end,
                Answer::Taken => {}
            }
            sent = end;
        }
        self.commit(pending).await
    }

    /// Ends the transaction, if there is one, and gives the first chunk back.
    async fn commit(&mut self, pending: &mut Pending) -> Result<(), Failure> {
        if let Some((_, commit)) = &self.spec.transaction {
            self.say(commit.as_bytes()).await?;
        }
        pending.offset = 0;
        if let Some(chunk) = pending.chunks.pop_front() {
            self.task.delivered(chunk);
        }
        Ok(())
    }

    /// Writes a mark.
    async fn say(&mut self, mark: &[u8]) -> Result<(), Failure> {
        self.forget_strays();
        self.write_all(mark).await?;
        if self.spec.confirm.is_some() {
            self.confirmed().await?;
        }
        Ok(())
    }

    /// What the program said without being asked is no answer to what is written next.
    fn forget_strays(&mut self) {
        let strays = self.child.as_mut().is_some_and(Child::forget_answers);
        if strays && !std::mem::replace(&mut self.strays_said, true) {
            let text = format!(
                "action '{}' program {} answers without being asked, which confirms nothing",
                self.task.name,
                self.spec.binary.display()
            );
            self.task.reporter.say(Level::Warning, text);
        }
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let written = self.write(bytes).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Writes as much as the pipe takes. A full one is waited for, as long as the program lives;
    /// where it has to confirm, as long as that may take.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let patience = self.spec.confirm.unwrap_or(Duration::MAX);
        let until = tokio::time::sleep(patience);
        tokio::pin!(until);
        loop {
            let path = self.spec.binary.display();
            let Some(child) = &mut self.child else { return Err(self.gone("it does not run")) };
            let written = tokio::select! {
                biased;
                written = child.write(bytes) => written,
                () = self.task.signals.reopened() => {
                    self.on_hup();
                    continue;
                }
                () = &mut until => {
                    return Err(Failure::Program(format!("{path} does not read its input")));
                }
            };
            return match written {
                Ok(0) => Err(self.gone("it closed its input")),
                Ok(n) => Ok(n),
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                    Err(self.gone("it closed its input, or ended"))
                }
                Err(e) => Err(Failure::Program(format!("cannot write to {path}: {e}"))),
            };
        }
    }

    fn gone(&self, why: &str) -> Failure {
        Failure::Program(format!("program {}: {why}", self.spec.binary.display()))
    }

    /// Waits for the answer to what was written last.
    async fn confirmed(&mut self) -> Result<Answer, Failure> {
        let patience = self.spec.confirm.unwrap_or_default();
        let path = self.spec.binary.display();
        let Some(child) = &mut self.child else { return Err(self.gone("it does not run")) };
        match timeout(patience, child.answer()).await {
            Err(_) => Err(Failure::Program(format!("{path} did not confirm within {patience:?}"))),
            Ok(Err(e)) => Err(Failure::Program(format!("cannot read {path}'s answer: {e}"))),
            Ok(Ok(None)) => Err(self.gone("it ended without an answer")),
            Ok(Ok(Some(answer))) => match answer.as_str() {
                "OK" | "DEFER_COMMIT" => Ok(Answer::Taken),
                "PREVIOUS_COMMITTED" => Ok(Answer::TakenBehind),
                _ => {
                    let answer = answer.escape_debug();
                    Err(Failure::Refused(format!("program {path} returned: {answer}")))
                }
            },
        }
    }
}
