//! `health`: how the tunnels are, for a monitoring system. It answers in any case; how is the exit code.

use plexy_shared::rpc::{ListTunnels, NoParams, TunnelInfo as TunnelInfoMethod, TunnelParams};
use plexy_shared::spec::TunnelRef;
use serde_json::Value;

use crate::answer::{Answer, Health};
use crate::args::Options;
use crate::client::{ClientError, Found, Patience};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;

pub(super) async fn run(
    tunnels: &[String],
    link: Result<&mut Link, &mut Failure>,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    output.check_keys(None)?;
    let looked = match link {
        Ok(link) => look(tunnels, link, options).await,
        Err(failure) => Err(failure.clone()),
    };
    let health = looked.unwrap_or_else(|failure| Health::unknown(&failure));
    let exit = health.exit();
    output.answer(&Answer::Health(health))?;
    Ok(exit)
}

async fn look(tunnels: &[String], link: &mut Link, options: &Options) -> Result<Health, Failure> {
    let named = tunnels.iter().map(|name| {
        let tunnel = name.parse::<TunnelRef>();
        tunnel.map_err(|error| Failure::usage(error.to_string()))
    });
    let named: Vec<_> = named.collect::<Result<_, _>>()?;
    let found = link.daemon(Patience::new(options.timeout)).await?;
    let status = found.client.call::<ListTunnels>(&NoParams {}).await.map_err(failure)?;
    let mut health = Health::new(status.tunnels_paused);
    if named.is_empty() {
        for tunnel in status.tunnel_list.unwrap_or_default() {
            let name = tunnel.listen;
            look_at(found, TunnelParams { tunnel: name }, &mut health, true).await?;
        }
    }
    for tunnel in &named {
        look_at(found, TunnelParams::new(tunnel), &mut health, false).await?;
    }
    Ok(health)
}

async fn look_at(
    found: &Found,
    params: TunnelParams,
    health: &mut Health,
    may_be_gone: bool,
) -> Result<(), Failure> {
    match found.client.call::<TunnelInfoMethod>(&params).await {
        Ok(info) => health.count(&info),
        // It was closed since it was listed.
        Err(ClientError::Refused(error))
            if may_be_gone && error.data.code == plexy_shared::error::Code::TunnelNotFound => {}
        Err(error) => return Err(failure(error)),
    }
    Ok(())
}

fn failure(error: ClientError) -> Failure {
    Failure::of_call(error, "", &Value::Null, "")
}
