import Tensors

/// ShapleyCAM (Cai 2025, arXiv 2501.06261): with the gradient g = dy / dA and the Hessian H of y at A,
/// w_k = mean over i, j of (g - H A / 2)_kij; map = ReLU(sum over k of w_k A_k), here before the ReLU. It is the Taylor
/// expansion, up to the second order, of the Shapley values of A's cells. Where y is piecewise linear in A, H is 0 and
/// the map is Grad-CAM's.
///
/// The paper's y is the score plus its log-probability (ReST). Here it is the target, as for every method.
///
/// H A is the derivative of g along A. The tape has first derivatives only, so it is a central difference,
/// (g at A (1 + e) - g at A (1 - e)) / 2e with e = 1/256, in which ReLUs and maxima behind the layer choose as they do
/// at A: a corner is not curvature. The error is e^2 / 6 times the third derivative along A; a part of H A of the order
/// of e, where ReLUs pass their corners on the way; and some 4e-5 of the terms of g from the rounding of single
/// precision.
public struct ShapleyCAM: ExplanationMethod {
    public let name = "shapley-cam"
    public let summary = "Grad-CAM with the score's second derivatives, after Shapley values"
    public let paper = "Cai 2025, arXiv 2501.06261"
    public let support = MethodSupport.layer
    /// e, a power of two: to divide by 2e does not round.
    static let step: Float = 1 / 256

    /// The method; it has no settings.
    public init() {}

    /// The maps, `[S, u, v]`, raw and signed.
    public func maps(of context: AttributionContext) -> Tensor {
        let activations = context.activations, gradients = context.gradients
        let moved = context.gradients(
            atActivations: [1 + Self.step, 1 - Self.step].map { factor in
                Tensor(activations.shape, activations.array.map { factor * $0 })
            })
        let corrected = Tensor(uninitialized: gradients.shape)
        for i in 0..<corrected.count {
            let product = (moved[0].pointer[i] - moved[1].pointer[i]) / (2 * Self.step)
            corrected.pointer[i] = gradients.pointer[i] - product / 2
        }
        return withExtendedLifetime((gradients, moved)) {
            GradCAM.maps(activations: activations, gradients: corrected)
        }
    }
}
