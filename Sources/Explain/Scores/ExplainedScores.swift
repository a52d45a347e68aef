import Tasks
import Tensors
import Vision

/// What a method explains: S scores of one picture, over one of an encoder's layers or over the pixels.
///
/// It gives a method all that the literature's methods ask for: the layer's output A; the derivatives of all scores
/// with respect to A or to pictures, all scores in one sweep; the scores of changed pictures and of changed A. What was
/// computed for one method is there for the next.
public struct ExplainedScores {
    public let sums: [ScoreSum]
    public let head: ScoreHead
    public let seen: SeenPicture
    /// Which of the layers of ``seen`` it is about.
    let layerIndex: Int
    private let cache: Cache

    /// The head's forward pass at the picture's own feature map, on a tape.
    struct Recorded {
        let tape: Tape
        /// `[1, u', v', K']`
        let features: Variable
        /// `[1, F]`
        let outputs: Variable
    }

    private final class Cache {
        let recorded: Recorded
        let progress: ((Int, Int) -> Void)?
        var layerGradients: [Tensor]?
        var guided: Tensor?
        var warnings: [(score: Int, text: String)] = []

        init(_ recorded: Recorded, _ progress: ((Int, Int) -> Void)?) {
            self.recorded = recorded
            self.progress = progress
        }
    }

    /// - Parameters:
    ///   - recorded: the head's forward pass, where it has run already.
    ///   - progress: called with the runs of the model done and those to do in all, by methods that take many.
    init(
        _ seen: SeenPicture, head: ScoreHead, sums: [ScoreSum], recorded: Recorded? = nil,
        progress: ((Int, Int) -> Void)? = nil
    ) {
        self.sums = sums
        self.head = head
        self.seen = seen
        layerIndex = seen.layers.count - 1
        let recorded =
            recorded
            ?? {
                let tape = Tape(), leaf = tape.leaf(seen.features)
                return Recorded(tape: tape, features: leaf, outputs: head.outputs(leaf))
            }()
        cache = Cache(recorded, progress)
    }

    private init(_ other: ExplainedScores, layerIndex: Int) {
        (sums, head, seen, cache) = (other.sums, other.head, other.seen, other.cache)
        self.layerIndex = layerIndex
    }

    /// S
    public var count: Int { sums.count }
    /// The same scores over each of the layers, from the picture on.
    public var layers: [ExplainedScores] { seen.layers.indices.map { ExplainedScores(self, layerIndex: $0) } }
    /// The layer's name.
    public var layer: String { seen.layers[layerIndex].name }
    /// Whether the layer's output is the feature map that the head takes.
    public var isLastLayer: Bool { seen.layers[layerIndex].stage + 1 == seen.encoder.stages.count }
    /// A, the layer's output `[1, u, v, K]`.
    public var activations: Tensor { seen.layers[layerIndex].activations }
    /// x, the picture as the model takes it `[1, H, W, 3]`.
    public var picture: Tensor { seen.picture }
    /// y of every score, `[S]`.
    public var values: [Float] { sums.map { $0.values(cache.recorded.outputs.value)[0] } }

    // MARK: Derivatives

    /// dy_s / dA, `[S, 1, u, v, K]`; computed once, for all layers in one sweep.
    public var gradients: Tensor {
        if let found = cache.layerGradients { return found[layerIndex] }
        let recorded = cache.recorded
        let atFeatures = recorded.tape.gradients(
            of: recorded.outputs, seed: ScoreSum.seeds(sums, width: recorded.outputs.shape[1]),
            withRespectTo: [recorded.features])[0]
        let found = seen.atLayers(atFeatures)
        cache.layerGradients = found
        return found[layerIndex]
    }

    /// dy_s / dx at each of N pictures, `[S, N, H, W, 3]`: one forward pass, and one sweep for as many scores as memory
    /// allows.
    /// - Parameters:
    ///   - pictures: `[N, H, W, 3]`, prepared.
    ///   - relu: what every ReLU between the scores and the pixels does to the gradient, the head's too.
    public func gradients(at pictures: Tensor, relu: ReLURule = .exact) -> Tensor {
        let tape = Tape(), leaf = tape.leaf(pictures), n = pictures.shape[0]
        let outputs = head.outputs(seen.encoder(leaf))
        return inSweeps(of: pictures.shape) { part in
            tape.gradients(
                of: outputs, seed: ScoreSum.seeds(part, pictures: n, width: outputs.shape[1]), withRespectTo: [leaf],
                relu: relu)[0]
        }
    }

    /// The gradients `[S] + shape` of all scores by `sweep`, for as many at once as memory allows.
    private func inSweeps(of shape: [Int], _ sweep: ([ScoreSum]) -> Tensor) -> Tensor {
        // A sweep's gradients are as large as its seeds times the widest layer.
        let atOnce = max(1, Self.pixelsAtOnce / max(1, shape.dropLast().reduce(1, *)))
        let result = Tensor(uninitialized: [count] + shape), size = shape.reduce(1, *)
        for first in stride(from: 0, to: count, by: atOnce) {
            let found = sweep(Array(sums[first..<min(count, first + atOnce)]))
            (result.pointer + first * size).update(from: found.pointer, count: found.count)
            withExtendedLifetime(found) {}
        }
        return withExtendedLifetime(result) { result }
    }

    /// Pixels times scores that go back in one sweep.
    private static let pixelsAtOnce = 1 << 19

    /// dy_s / dx at the picture itself, `[S, H, W, 3]`: ``gradients(at:relu:)`` there, but back along what was recorded
    /// where the picture was looked at for it.
    public func pixelGradients(relu: ReLURule = .exact) -> Tensor {
        let shape = [count] + picture.shape.dropFirst()
        guard seen.reachesPixels else { return gradients(at: picture, relu: relu).reshaped(shape) }
        let recorded = cache.recorded
        return inSweeps(of: picture.shape) { part in
            let atFeatures = recorded.tape.gradients(
                of: recorded.outputs, seed: ScoreSum.seeds(part, width: recorded.outputs.shape[1]),
                withRespectTo: [recorded.features], relu: relu)[0]
            return seen.atPixels(atFeatures, relu: relu)
        }.reshaped(shape)
    }

    /// The picture's own gradients by guided backpropagation, `[S, H, W, 3]`; computed once.
    var guidedGradients: Tensor {
        if let found = cache.guided { return found }
        let found = pixelGradients(relu: .guided)
        cache.guided = found
        return found
    }

    // MARK: Changed inputs

    /// y of every score of N pictures, `[N, S]`. pictures `[N, H, W, 3]`, prepared.
    public func values(ofPictures pictures: Tensor) -> Tensor {
        values(head.outputs(seen.encoder(Variable(pictures))).value)
    }

    /// y of every score had the layer put out these, `[N, S]`. activations `[N, u, v, K]`.
    public func values(ofActivations activations: Tensor) -> Tensor {
        let stages = seen.layers[layerIndex].stage + 1..<seen.encoder.stages.count
        return values(head.outputs(seen.encoder(Variable(activations), stages: stages)).value)
    }

    private func values(_ outputs: Tensor) -> Tensor {
        let columns = sums.map { $0.values(outputs) }
        return Tensor(
            [outputs.shape[0], count], (0..<outputs.shape[0]).flatMap { n in columns.map { $0[n] } })
    }

    /// Calls `body` for 0..<count in batches, in order, and tells the progress.
    public func inBatches(_ count: Int, of size: Int = 8, _ body: (Range<Int>) throws -> Void) rethrows {
        for first in stride(from: 0, to: count, by: size) {
            cache.progress?(first, count)
            try body(first..<min(count, first + size))
        }
        cache.progress?(count, count)
    }

    // MARK: Warnings

    /// Says what is doubtful about a score's map.
    public func warn(_ text: String, score: Int) { cache.warnings.append((score, text)) }

    /// What methods have said since this was last called, for each score.
    func takeWarnings() -> [[String]] {
        defer { cache.warnings = [] }
        return (0..<count).map { s in cache.warnings.filter { $0.score == s }.map(\.text) }
    }
}
