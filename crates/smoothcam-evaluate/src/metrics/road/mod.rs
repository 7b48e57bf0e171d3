//! ROAD: the class's probability after parts of the picture are removed without a trace.

use smoothcam::Result;

mod imputation;

use super::{Better, Case, Family, Measured, Metric};
use imputation::impute;

pub(crate) const FAMILY: Family =
    Family { name: "road", metrics: &[ROAD], by_default: false, measure };

const ROAD: Metric = Metric {
    name: "road",
    title: "ROAD",
    better: Better::Higher,
    about: "Half the difference between the class's probabilities after the weakest and after the strongest \
            pixels were removed (10 to 90 % of them in nine steps), their places filled from their \
            surroundings by noisy linear imputation.",
    source: "Rong et al., ICML 2022, 2202.00449; combined as in pytorch-grad-cam's ROADCombined",
};

fn measure(case: &Case<'_>) -> Result<Measured> {
    let order = case.heat.order();
    let size = order.len();
    let mut difference = 0.0;
    for tenth in 1..=9 {
        // As many as lie below the percentile that NumPy interpolates.
        let kept = ((size - 1) * tenth).div_ceil(10);
        let probability_without = |removed: &[usize]| {
            let seed = tenth as u64;
            case.subject.probability_of(impute(case.subject.input(), removed, seed)?.view())
        };
        difference += probability_without(&order[kept..])?;
        difference -= probability_without(&order[..size - kept])?;
    }
    Ok(Measured::of([(&ROAD, difference / 9.0 / 2.0)]))
}
