//! What an attempt used: tokens, and what they cost.

use serde::{Deserialize, Serialize};

/// The tokens that an attempt used, and what they cost, as its host told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// All tokens that the model read, also those that came from a cache.
    pub input_tokens: u64,
    /// Those of the input that came from a cache.
    pub cached_tokens: u64,
    /// The tokens that the model wrote.
    pub output_tokens: u64,
    /// The cost in millionths of a dollar, which add up exactly; `None`: the host did not say it. Answers and
    /// threads.json say it in dollars.
    #[serde(rename = "cost_usd", default, with = "dollars", skip_serializing_if = "Option::is_none")]
    pub cost_microdollars: Option<u64>,
}

impl Usage {
    /// Returns both together. The cost is that of the one that has one, if the other has none.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let cost = match (self.cost_microdollars, other.cost_microdollars) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost_microdollars: cost,
        }
    }

    /// Returns the cost in dollars, if it is known.
    pub fn dollars(self) -> Option<f64> {
        self.cost_microdollars.map(in_dollars)
    }
}

#[expect(clippy::cast_precision_loss, reason = "nothing costs 9 billion dollars")]
fn in_dollars(microdollars: u64) -> f64 {
    microdollars as f64 / 1e6
}

/// The form of a cost in files and answers: dollars, with at most six digits behind the point.
pub(crate) mod dollars {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "as serde has it")]
    pub(crate) fn serialize<S: Serializer>(cost: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        cost.map(super::in_dollars).serialize(serializer)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let dollars = Option::<f64>::deserialize(deserializer)?;
        Ok(dollars.map(|dollars| (dollars * 1e6).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usages_add_up_and_a_cost_that_is_not_known_counts_for_nothing() {
        let usage = |input_tokens, cost_microdollars| Usage { input_tokens, cost_microdollars, ..Usage::default() };
        assert_eq!(usage(1, Some(2)).and(usage(3, Some(4))), usage(4, Some(6)));
        assert_eq!(usage(1, None).and(usage(3, Some(4))), usage(4, Some(4)));
        assert_eq!(usage(1, Some(2)).and(usage(u64::MAX, None)), usage(u64::MAX, Some(2)));
        assert_eq!(usage(1, None).and(Usage::default()), usage(1, None));
    }

    #[test]
    fn a_cost_is_said_in_dollars_and_read_back_to_the_last_digit() {
        for cost in [0, 1, 12, 12_345, 1_000_000, 1_234_567, 999_999_999_999] {
            let usage = Usage { cost_microdollars: Some(cost), ..Usage::default() };
            let text = serde_json::to_string(&usage).unwrap();
            assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage, "{text}");
        }
        let known =
            Usage { input_tokens: 12_400, cached_tokens: 9_900, output_tokens: 1_200, cost_microdollars: Some(12_300) };
        insta::assert_snapshot!(serde_json::to_string(&known).unwrap(), @r#"{"input_tokens":12400,"cached_tokens":9900,"output_tokens":1200,"cost_usd":0.0123}"#);
        let unknown = Usage { cost_microdollars: None, ..known };
        insta::assert_snapshot!(serde_json::to_string(&unknown).unwrap(), @r#"{"input_tokens":12400,"cached_tokens":9900,"output_tokens":1200}"#);
        let negative = r#"{"input_tokens":0,"cached_tokens":0,"output_tokens":0,"cost_usd":-1}"#;
        assert_eq!(serde_json::from_str::<Usage>(negative).unwrap().cost_microdollars, Some(0));
    }
}
