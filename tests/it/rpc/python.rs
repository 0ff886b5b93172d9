//! A client of JSON-RPC that no one here wrote: Python's jsonrpclib-pelix, as Debian packages it.

use plexy_tests::daemon::Daemon;
use plexy_tests::tool::Tool;

const SCRIPT: &str = r#"
import sys, jsonrpclib
from jsonrpclib import ServerProxy, MultiCall, ProtocolError

server = ServerProxy(sys.argv[1])
print(server.ping())
print(server.openTunnel(spec="0=4000[name=web]")["result"])
print([t["name"] for t in server.listTunnels()["tunnel_list"]])
print(server.addBackend(tunnel="web", backend="4001")["result"])
try:
    server.openTunnel(spec="0=4000[stratgy=x]")
except ProtocolError as error:
    print(*error.args[0])
batch = MultiCall(server)
batch.ping()
batch.numberOfTunnels()
print([answer for answer in batch()][1]["tunnels"])
server._notify.closeTunnel(tunnel="web")
print(server.numberOfTunnels()["tunnels"])
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_python_opens_lists_and_closes() {
    let Some(python) = Tool::find_in(["/usr/bin".into()], "python3", "python3") else { return };
    let probe = python.run(["-c", "import jsonrpclib"]).output().await;
    if !probe.status.success() {
        assert!(
            std::env::var("PLEXY_REQUIRE_SERVERS").as_deref() != Ok("1"),
            "jsonrpclib is not installed (apt-get install python3-jsonrpclib-pelix)"
        );
        eprintln!(
            "skipped: jsonrpclib is not installed (apt-get install python3-jsonrpclib-pelix)"
        );
        return;
    }
    let daemon = Daemon::start().await;
    let plexy_tests::daemon::HttpClient::Tcp(addr) = daemon.rpc() else { unreachable!() };
    let output = python.run(["-c", SCRIPT, &format!("http://{addr}/")]).output().await;
    let expected = "pong\nopened\n['web']\nadded\n-32052 unknown option `stratgy`\n1\n0\n";
    assert_eq!(output.text(), expected, "{}", output.errors());
}
