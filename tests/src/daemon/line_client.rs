//! A client of the line protocol over TCP.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::eventually::in_time;

/// One session, in `mode script`, so that the end of an answer is known.
#[derive(Debug)]
pub struct LineClient {
    stream: BufReader<TcpStream>,
}

impl LineClient {
    /// Begins a session.
    pub async fn connect(addr: SocketAddr) -> Self {
        let mut client = Self::connect_text(addr).await;
        assert_eq!(client.ask("mode script").await, "OK\n");
        client
    }

    /// Begins a session in the mode it begins in: use [`LineClient::send`] and
    /// [`LineClient::next_line`], since answers have no end mark there.
    pub async fn connect_text(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("the control socket accepts");
        Self { stream: BufReader::new(stream) }
    }

    /// Asks one line and gives the whole answer, without the end mark.
    pub async fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\n").as_bytes()).await;
        let mut answer = String::new();
        loop {
            match self.next_line().await {
                Some(line) if line == ".\n" => return answer,
                Some(line) => answer.push_str(&line),
                None => panic!("the session ended after {answer:?}"),
            }
        }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the session takes the bytes");
    }

    /// The next line with its end; nothing where the session has ended.
    pub async fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = in_time("a line of an answer", self.stream.read_line(&mut line)).await;
        (read.expect("the answer is UTF-8") > 0).then_some(line)
    }

    /// Everything up to the end of the session, after saying that no more will come.
    pub async fn finish(mut self) -> String {
        self.stream.get_mut().shutdown().await.expect("the session can be ended");
        let mut rest = String::new();
        let read = in_time("the end of the session", self.stream.read_to_string(&mut rest)).await;
        read.expect("the session ends cleanly");
        rest
    }
}
