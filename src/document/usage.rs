//! What attempts used, in words.

use crate::board::Usage;
use crate::decide::ThreadReport;

/// Returns tokens and cost as `12.4k tokens in (80 % cached), 1.2k out, $0.04`, as far as they are known.
pub(crate) fn used(usage: Usage) -> String {
    let mut told = format!("{} tokens in", number(usage.input_tokens));
    if usage.cached_tokens > 0 {
        let (cached, of) = (u128::from(usage.cached_tokens), u128::from(usage.input_tokens.max(1)));
        told += &format!(" ({} % cached)", ((cached * 100 + of / 2) / of).min(100));
    }
    told += &format!(", {} out", number(usage.output_tokens));
    if let Some(cost) = usage.cost_microdollars {
        told += &format!(", {}", dollars(cost));
    }
    told
}

/// Returns what all attempts of a thread used together; `None`: it is known of none.
pub(crate) fn thread_usage(thread: &ThreadReport) -> Option<Usage> {
    thread.attempts.iter().filter_map(|attempt| attempt.usage).reduce(Usage::and)
}

/// Returns a number of tokens, from a thousand on in thousands or millions.
fn number(tokens: u64) -> String {
    let in_tenths = |unit: u64, letter: &str| {
        let tenths = tokens / (unit / 10) + u64::from(tokens % (unit / 10) >= unit / 20);
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    };
    match tokens {
        0..1_000 => tokens.to_string(),
        // From here on it would be rounded to 1000.0k.
        1_000..999_950 => in_tenths(1_000, "k"),
        _ => in_tenths(1_000_000, "M"),
    }
}

/// Returns a cost in dollars and cents. What costs something is not said to cost nothing.
fn dollars(microdollars: u64) -> String {
    let cents = microdollars / 10_000 + u64::from(microdollars % 10_000 >= 5_000);
    match (microdollars, cents) {
        (1.., 0) => "<$0.01".to_owned(),
        _ => format!("${}.{:02}", cents / 100, cents % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_is_told_as_short_as_can_be() {
        let usage = |input_tokens, cached_tokens, output_tokens, cost_microdollars| {
            used(Usage { input_tokens, cached_tokens, output_tokens, cost_microdollars })
        };
        let told = [
            usage(12_400, 9_999, 1_249, Some(41_000)),
            usage(950, 0, 7, None),
            usage(999_949, 1, 999_950, Some(4_999)),
            usage(0, 0, 0, Some(0)),
            usage(1_234_567_890, 1_234_567_890, 1_000, Some(1_234_567_890)),
            usage(0, 5, u64::MAX, Some(u64::MAX)),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        12.4k tokens in (81 % cached), 1.2k out, $0.04
        950 tokens in, 7 out
        999.9k tokens in (0 % cached), 1.0M out, <$0.01
        0 tokens in, 0 out, $0.00
        1234.6M tokens in (100 % cached), 1.0k out, $1234.57
        0 tokens in (100 % cached), 18446744073709.6M out, $18446744073709.55
        ");
    }
}
