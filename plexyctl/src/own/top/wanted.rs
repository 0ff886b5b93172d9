//! What the daemon is asked for: it finds the rows, sorts them, and sends the first ones.

use plexy_shared::filter::Key;
use plexy_shared::overview::{
    BackendColumn, BackendRowsParams, Column, ConnectionRowsParams, Order, OverviewParams,
    ROWS_RANGE, TunnelColumn, TunnelRowsParams,
};
use plexy_shared::units::show_duration;

use crate::args::{Options, TopOptions, TopView};
use crate::failure::Failure;

/// What these options ask for.
///
/// # Errors
///
/// If rows cannot be sorted so.
pub(super) fn checked(top: &TopOptions, options: &Options) -> Result<OverviewParams, Failure> {
    let (find, limit) = (top.filter.clone(), Some(*ROWS_RANGE.end()));
    let every = OverviewParams { interval: Some(show_duration(top.delay)), ..Default::default() };
    Ok(match top.view {
        TopView::Tunnels => {
            let sort = order::<TunnelColumn>(options)?;
            let rows = TunnelRowsParams { find, sort, limit, ..Default::default() };
            OverviewParams { tunnels: Some(rows), ..every }
        }
        TopView::Backends => {
            let sort = order::<BackendColumn>(options)?;
            let rows = BackendRowsParams { find, sort, limit, ..Default::default() };
            OverviewParams { backends: Some(rows), ..every }
        }
        TopView::Connections => {
            let sort = order::<Key>(options)?;
            let rows = ConnectionRowsParams { find, sort, limit, ..Default::default() };
            OverviewParams { connections: Some(rows), ..every }
        }
    })
}

/// By which column, if somebody says so.
fn order<C: Column>(options: &Options) -> Result<Option<String>, Failure> {
    let Some(order) = &options.sort_by else { return Ok(None) };
    match order.to_string().parse::<Order<C>>() {
        Ok(order) => Ok(Some(order.to_string())),
        Err(error) => {
            let failure = Failure::usage(format!("`--sort-by`: {error}"));
            let suggestion = error.suggestion().map(str::to_owned);
            Err(Failure { suggestion, ..failure })
        }
    }
}

#[cfg(test)]
mod tests {
    use plexy_shared::word::Words;

    use super::*;
    use crate::args::{Args, Asked, Own};
    use crate::output::keys_of_top;

    fn wanted(args: &str) -> Result<OverviewParams, Failure> {
        let args = ["plexyctl", "top"].into_iter().chain(args.split_whitespace()).map(Into::into);
        let Args { options, asked } = Args::read(args).unwrap_or_else(|error| panic!("{error}"));
        let Asked::Own(Own::Top(top)) = asked else { panic!("{asked:?}") };
        checked(&top, &options)
    }

    #[test]
    fn rows_are_found_and_sorted_by_the_daemon() {
        let params = wanted("--filter !health:ok --sort-by -conns -d 250ms").unwrap();
        assert_eq!(params.interval.as_deref(), Some("250ms"));
        let rows = params.tunnels.as_ref().unwrap();
        assert_eq!(rows.find.as_deref(), Some("!health:ok"));
        assert_eq!((rows.sort.as_deref(), rows.limit), (Some("-conns"), Some(500)));
        assert!(params.query().is_ok());
        assert!(wanted("--view backends --sort-by cause").unwrap().backends.is_some());
        assert!(wanted("--view connections --sort-by -bytes-in").unwrap().connections.is_some());
    }

    #[test]
    fn what_rows_cannot_be_sorted_by_is_told_before_anybody_is_asked() {
        let failure = wanted("--sort-by -helth").unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.suggestion.as_deref()),
            ("usage", Some("health"))
        );
        assert!(wanted("--view connections --sort-by health").is_err());
    }

    #[test]
    fn rows_are_sorted_and_found_by_the_keys_of_their_columns() {
        let lacks = |view, words: &mut dyn Iterator<Item = &'static str>| -> Vec<_> {
            let keys = keys_of_top(view);
            words.filter(|word| !keys.contains(word)).collect()
        };
        // When a tunnel was opened is an order alone.
        let tunnels = &mut TunnelColumn::ALL.iter().map(|it| it.word());
        assert_eq!(lacks(TopView::Tunnels, tunnels), ["opened"]);
        let backends = &mut BackendColumn::ALL.iter().map(|it| it.word());
        assert_eq!(lacks(TopView::Backends, backends), [""; 0]);
    }
}
