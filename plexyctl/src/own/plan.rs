//! What a declaration would change, asked of the daemon; or what it changes, where that is wanted.

use plexy_shared::plan::ApplyReply;
use plexy_shared::rpc::{Method, PlanTunnels, PlanTunnelsParams};
use serde_json::Value;

use crate::args::{Declaration, Options};
use crate::client::{ClientError, Patience};
use crate::declared::Declared;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;

/// A declaration, and what it would change.
#[derive(Debug)]
pub(super) struct Plan {
    declared: Declared,
    pub(super) params: PlanTunnelsParams,
    pub(super) reply: ApplyReply,
}

impl Plan {
    /// Reads what is declared, then asks.
    pub(super) async fn of(
        declaration: &Declaration,
        link: &mut Link,
        options: &Options,
        output: &Output,
    ) -> Result<Self, Failure> {
        let declared = Declared::read(&declaration.file)?;
        declared.notes.iter().for_each(|note| output.note(note));
        let params = PlanTunnelsParams::new(&declared.specs, declaration.prune);
        let reply = ask::<PlanTunnels>(&params, "", &declared, link, options).await?;
        Ok(Self { declared, params, reply })
    }

    /// Has something done with the same declaration; `look` is the command that tells whether it was.
    pub(super) async fn ask<M: Method<Reply = ApplyReply>>(
        &self,
        params: &M::Params,
        look: &str,
        link: &mut Link,
        options: &Options,
    ) -> Result<ApplyReply, Failure> {
        ask::<M>(params, look, &self.declared, link, options).await
    }
}

async fn ask<M: Method<Reply = ApplyReply>>(
    params: &M::Params,
    look: &str,
    declared: &Declared,
    link: &mut Link,
    options: &Options,
) -> Result<ApplyReply, Failure> {
    let found = link.daemon(Patience::new(options.timeout)).await?;
    found.client.call::<M>(params).await.map_err(|error| {
        let index = match &error {
            ClientError::Refused(refusal) => refusal.data.index,
            _ => None,
        };
        // What stands against one of them is told where that one stands.
        let origin = index.and_then(|index| declared.origins.get(index)).cloned().map(Box::new);
        Failure { origin, ..Failure::of_call(error, "", &Value::Null, look) }
    })
}
