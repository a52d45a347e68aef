import Tasks
import Tensors
import Vision

/// What a method is given: S targets of one encoded image, over one of the encoder's layers or over the pixels.
///
/// The context computes what the literature's methods ask for: the layer's output A; the derivatives of all targets
/// with respect to A or to images, all targets in one sweep; the targets' values for changed images and for changed A.
/// What was computed for one method is kept for the next.
public struct AttributionContext {
    /// The S targets, in the order of the maps' first axis.
    public let targets: [LinearTarget]
    /// The part of the model behind the encoder.
    public let head: ModelHead
    /// The image, as the encoder has seen it.
    public let image: EncodedImage
    /// Index of the layer among ``image``'s layers.
    let layerIndex: Int
    private let cache: Cache

    /// The head's forward pass over the image's own feature map, on a tape.
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
        var warnings: [(target: Int, text: String)] = []

        init(_ recorded: Recorded, _ progress: ((Int, Int) -> Void)?) {
            self.recorded = recorded
            self.progress = progress
        }
    }

    /// - Parameters:
    ///   - image: the image, encoded with the layers that maps lie over.
    ///   - head: from the image's feature map to the outputs that `targets` are sums of.
    ///   - targets: what is explained.
    ///   - progress: called with the model's runs done and the runs to do in all, by methods that take many.
    public init(
        _ image: EncodedImage, head: ModelHead, targets: [LinearTarget], progress: ((Int, Int) -> Void)? = nil
    ) {
        let tape = Tape(), features = tape.leaf(image.features)
        let recorded = Recorded(tape: tape, features: features, outputs: head.outputs(features))
        self.init(image, head: head, targets: targets, recorded: recorded, progress: progress)
    }

    /// - Parameter recorded: the head's forward pass, which has run already.
    init(
        _ image: EncodedImage, head: ModelHead, targets: [LinearTarget], recorded: Recorded,
        progress: ((Int, Int) -> Void)?
    ) {
        self.targets = targets
        self.head = head
        self.image = image
        layerIndex = image.layers.count - 1
        cache = Cache(recorded, progress)
    }

    private init(_ other: AttributionContext, layerIndex: Int) {
        (targets, head, image, cache) = (other.targets, other.head, other.image, other.cache)
        self.layerIndex = layerIndex
    }

    /// The same image, head and layer with other targets.
    public func explaining(_ targets: [LinearTarget]) -> AttributionContext {
        AttributionContext(self, targets: targets)
    }

    private init(_ other: AttributionContext, targets: [LinearTarget]) {
        (self.targets, head, image, layerIndex) = (targets, other.head, other.image, other.layerIndex)
        cache = Cache(other.cache.recorded, other.cache.progress)
    }

    /// S
    public var count: Int { targets.count }
    /// The same targets over each of the layers, from the image on.
    public var layers: [AttributionContext] { image.layers.indices.map { AttributionContext(self, layerIndex: $0) } }
    /// The layer's name.
    public var layer: String { image.layers[layerIndex].name }
    /// Whether the layer's output is the feature map that the head takes.
    public var isLastLayer: Bool { image.layers[layerIndex].stage + 1 == image.encoder.stages.count }
    /// A, the layer's output `[1, u, v, K]`.
    public var activations: Tensor { image.layers[layerIndex].activations }
    /// x, the image as the model takes it `[1, H, W, 3]`.
    public var pixels: Tensor { image.pixels }
    /// The image's outputs that targets are sums of, `[1, F]`.
    public var outputs: Tensor { cache.recorded.outputs.value }
    /// y of every target, `[S]`.
    public var values: [Float] { targets.map { $0.values(outputs)[0] } }

    // MARK: Derivatives

    /// dy_s / dA, `[S, 1, u, v, K]`; computed once, for all layers in one sweep.
    public var gradients: Tensor {
        if let found = cache.layerGradients { return found[layerIndex] }
        let found = image.gradientsAtLayers(gradientsAtFeatures(targets, relu: .exact))
        cache.layerGradients = found
        return found[layerIndex]
    }

    /// dy_s / dF at the feature map F that the head takes, `[S, 1, u', v', K']`.
    private func gradientsAtFeatures(_ targets: [LinearTarget], relu: ReLURule) -> Tensor {
        let recorded = cache.recorded
        return recorded.tape.gradients(
            of: recorded.outputs, seed: LinearTarget.seeds(targets, width: recorded.outputs.shape[1]),
            withRespectTo: [recorded.features], relu: relu)[0]
    }

    /// dy_s / dx at each of N images, `[S, N, H, W, 3]`: one forward pass, and one sweep for as many targets as memory
    /// allows.
    /// - Parameters:
    ///   - images: `[N, H, W, 3]`, preprocessed.
    ///   - relu: what every ReLU between the targets and the pixels does to the gradient, the head's too.
    public func gradients(at images: Tensor, relu: ReLURule = .exact) -> Tensor {
        let tape = Tape(), leaf = tape.leaf(images), n = images.shape[0]
        let outputs = head.outputs(image.encoder(leaf))
        return inSweeps(of: images.shape) { part in
            tape.gradients(
                of: outputs, seed: LinearTarget.seeds(part, images: n, width: outputs.shape[1]),
                withRespectTo: [leaf], relu: relu)[0]
        }
    }

    /// dy_s / dA at other outputs of the layer, `[S, 1, u, v, K]` each. ReLUs and maxima behind the layer let the
    /// gradient through as they do at A: a difference of these gradients has the second derivatives and no jumps.
    /// - Parameter activations: `[1, u, v, K]` each.
    func gradients(atActivations activations: [Tensor]) -> [Tensor] {
        let own = recordedTail(self.activations).tape
        return activations.map { other in
            let tail = recordedTail(other)
            return inSweeps(of: other.shape) { part in
                tail.tape.gradients(
                    of: tail.outputs, seed: LinearTarget.seeds(part, width: tail.outputs.shape[1]),
                    withRespectTo: [tail.leaf], corners: own)[0]
            }
        }
    }

    /// The part of the model behind the layer, recorded for one output of the layer, `[1, u, v, K]`.
    private func recordedTail(_ activations: Tensor) -> (tape: Tape, leaf: Variable, outputs: Variable) {
        let tape = Tape(), leaf = tape.leaf(activations)
        let stages = image.layers[layerIndex].stage + 1..<image.encoder.stages.count
        return (tape, leaf, head.outputs(image.encoder(leaf, stages: stages)))
    }

    /// dy_s / dx at the image itself, `[S, H, W, 3]`: as ``gradients(at:relu:)``, but without another forward pass
    /// where the image was encoded with its pixels recorded.
    public func pixelGradients(relu: ReLURule = .exact) -> Tensor {
        let shape = [count] + pixels.shape.dropFirst()
        guard image.recordsPixels else { return gradients(at: pixels, relu: relu).reshaped(shape) }
        return inSweeps(of: pixels.shape) { part in
            // The guard above says that the way to the pixels is there.
            image.gradientsAtPixels(gradientsAtFeatures(part, relu: relu), relu: relu)
                ?? Tensor([part.count] + pixels.shape)
        }.reshaped(shape)
    }

    /// The image's own gradients by guided backpropagation, `[S, H, W, 3]`; computed once.
    var guidedGradients: Tensor {
        if let found = cache.guided { return found }
        let found = pixelGradients(relu: .guided)
        cache.guided = found
        return found
    }

    /// The gradients `[S] + shape` of all targets by `sweep`, for as many at once as memory allows.
    private func inSweeps(of shape: [Int], _ sweep: ([LinearTarget]) -> Tensor) -> Tensor {
        // A sweep's gradients are as large as its seeds times the widest layer.
        let atOnce = max(1, Self.pixelsAtOnce / max(1, shape.dropLast().reduce(1, *)))
        let result = Tensor(uninitialized: [count] + shape), size = shape.reduce(1, *)
        for first in stride(from: 0, to: count, by: atOnce) {
            let found = sweep(Array(targets[first..<min(count, first + atOnce)]))
            (result.pointer + first * size).update(from: found.pointer, count: found.count)
            withExtendedLifetime(found) {}
        }
        return withExtendedLifetime(result) { result }
    }

    /// Pixels times targets that go back in one sweep.
    private static let pixelsAtOnce = 1 << 19

    // MARK: Changed inputs

    /// y of every target for N images, `[N, S]`. images `[N, H, W, 3]`, preprocessed.
    public func values(ofImages images: Tensor) -> Tensor {
        values(head.outputs(image.encoder(Variable(images))).value)
    }

    /// y of every target for N outputs of the layer, `[N, S]`. activations `[N, u, v, K]`.
    public func values(ofActivations activations: Tensor) -> Tensor {
        let stages = image.layers[layerIndex].stage + 1..<image.encoder.stages.count
        return values(head.outputs(image.encoder(Variable(activations), stages: stages)).value)
    }

    private func values(_ outputs: Tensor) -> Tensor {
        let columns = targets.map { $0.values(outputs) }
        return Tensor(
            [outputs.shape[0], count], (0..<outputs.shape[0]).flatMap { n in columns.map { $0[n] } })
    }

    /// The baseline's three channels, as the model takes them.
    func channels(_ baseline: Baseline) -> [Float] {
        let preprocessing = image.view.encoder.preprocessing
        switch baseline {
        case .black: return zip(preprocessing.mean, preprocessing.std).map { -$0 / $1 }
        case .mean: return [0, 0, 0]
        }
    }

    /// Calls `body` for 0..<count in batches, in order, and reports the progress.
    public func inBatches(_ count: Int, of size: Int = 8, _ body: (Range<Int>) throws -> Void) rethrows {
        for first in stride(from: 0, to: count, by: size) {
            cache.progress?(first, count)
            try body(first..<min(count, first + size))
        }
        cache.progress?(count, count)
    }

    // MARK: Warnings

    /// Says what is doubtful about the map of the target with this index.
    public func warn(_ text: String, target: Int) { cache.warnings.append((target, text)) }

    /// What methods have said since this was last called, for each target.
    func takeWarnings() -> [[String]] {
        defer { cache.warnings = [] }
        return (0..<count).map { s in cache.warnings.filter { $0.target == s }.map(\.text) }
    }
}
