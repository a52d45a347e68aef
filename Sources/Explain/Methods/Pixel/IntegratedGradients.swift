import Foundation
import Tensors

/// Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365, eq. 1 and 3): (x - x') times the mean of dy / dx
/// along the straight line from the baseline x' to the image x, by the midpoint rule. Map = the sum over the
/// channels, signed.
///
/// Complete: all cells add up to y(x) - y(x'), as far as the steps are fine enough; where they miss it by more than a
/// twentieth, a warning says so.
public struct IntegratedGradients: PixelMethod {
    public let name = "integrated-gradients"
    public let summary = "gradients summed from an empty image on; they add up to what the image adds"
    public let paper = "Sundararajan et al. 2017, arXiv 1703.01365"
    public let reduction = ChannelReduction.sum
    let steps: Int
    let baseline: Baseline

    /// - Parameters:
    ///   - steps: points on the line; the model runs forwards and backwards once for each.
    ///   - baseline: x', the image that the line starts from.
    public init(steps: Int = 50, baseline: Baseline = .black) { (self.steps, self.baseline) = (steps, baseline) }

    public func attributions(of context: AttributionContext) -> Tensor {
        let x = context.pixels, empty = context.channels(baseline)
        let start = Tensor(x.shape, (0..<x.count).map { empty[$0 % 3] })
        let way = Variable(x) - Variable(start)
        let mean = context.meanGradients(steps) { step in
            (Variable(start) + way.scaled(by: (Float(step) + 0.5) / Float(steps))).value
        }
        let attributions = (Variable(mean) * way.repeated(context.count)).value
        check(attributions, context, start: start)
        return attributions
    }

    private func check(_ attributions: Tensor, _ context: AttributionContext, start: Tensor) {
        let before = context.values(ofImages: start), after = context.values
        for s in 0..<context.count {
            let found = attributions.row(s).array.reduce(Double(0)) { $0 + Double($1) }
            let wanted = Double(after[s] - before[0, s])
            if abs(found - wanted) > 0.05 * abs(wanted) + 1e-3 {
                context.warn(
                    String(
                        format: "the map adds up to %.4g, not to the score's change from the baseline, %.4g; "
                            + "--samples above %d comes nearer", found, wanted, steps), target: s)
            }
        }
    }
}
