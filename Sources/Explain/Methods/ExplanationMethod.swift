import Tensors

/// A way from scores to maps. Any method goes with any score.
///
/// A method is one file with its formula and its paper, and an entry in ``Methods``.
public protocol ExplanationMethod: Sendable {
    /// What the command line calls it, as "grad-cam".
    var name: String { get }
    /// What it does, in a line.
    var summary: String { get }
    /// Authors, year and arXiv number or venue.
    var paper: String { get }
    var place: MapPlace { get }
    /// Whether what speaks against a score has a map of its own.
    var hasCounterfactual: Bool { get }
    /// - Returns: `[S, h, w]`, raw and signed: positive speaks for the score, as far as the method knows signs.
    /// - Throws: ``ExplanationError`` where the method does not apply to the model.
    func maps(of scores: ExplainedScores) throws -> Tensor
}

extension ExplanationMethod {
    public var hasCounterfactual: Bool { true }
}

/// What a map's cells are.
public enum MapPlace: String, Codable, Sendable {
    /// Those of any layer.
    case layer
    /// Those of the encoder's last layer, whose output the model's head takes.
    case lastLayer
    /// The pixels of the picture as the model takes it.
    case pixels
}

/// A method that asks no more than a layer's output and the scores' derivatives there.
public protocol LayerGradientMethod: ExplanationMethod {
    /// - Parameters:
    ///   - activations: A, `[1, u, v, K]`.
    ///   - gradients: dy_s / dA for S scores, `[S, 1, u, v, K]`.
    /// - Returns: `[S, u, v]`, raw and signed.
    static func maps(activations: Tensor, gradients: Tensor) -> Tensor
}

extension LayerGradientMethod {
    public var place: MapPlace { .layer }

    public func maps(of scores: ExplainedScores) -> Tensor {
        Self.maps(activations: scores.activations, gradients: scores.gradients)
    }
}

/// A method that says something of every channel of every pixel.
public protocol PixelMethod: ExplanationMethod {
    var reduction: ChannelReduction { get }
    /// `[S, H, W, 3]`, signed.
    func attributions(of scores: ExplainedScores) throws -> Tensor
}

/// How a pixel's three channels become one number.
public enum ChannelReduction: Sendable {
    /// The largest magnitude (Simonyan et al. 2013, section 3.1): how much the pixel matters, whichever way.
    case largestMagnitude
    /// The sum: what the pixel adds to the score.
    case sum
}

extension PixelMethod {
    public var place: MapPlace { .pixels }

    public func maps(of scores: ExplainedScores) throws -> Tensor { reduction(try attributions(of: scores)) }
}

extension ChannelReduction {
    /// `[..., 3] -> [...]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let channels = x.shape[x.shape.count - 1], result = Tensor(uninitialized: Array(x.shape.dropLast()))
        for i in 0..<result.count {
            let row = x.pointer + i * channels
            var value: Float = 0
            for c in 0..<channels {
                switch self {
                case .largestMagnitude: value = max(value, abs(row[c]))
                case .sum: value += row[c]
                }
            }
            result.pointer[i] = value
        }
        return withExtendedLifetime((x, result)) { result }
    }
}
