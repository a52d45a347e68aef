import Foundation
import Tensors
import Vision

/// A network's layers and their cost, for one image of the size that the network was trained with.
public struct NetworkSummary: Codable, Equatable, Sendable {
    public struct Layer: Codable, Equatable, Sendable {
        /// The checkpoint's name.
        public var name: String
        /// Of the weight: `[O, I / groups, h, w]` or `[O, I]`.
        public var weight: [Int]
        /// `[1, height, width, channels]` or `[1, features]`.
        public var output: [Int]
        /// Weights and biases; batch normalisation folded.
        public var parameters: Int
        public var multiplyAdds: Int
    }

    /// A layer that maps can be drawn for.
    public struct Stage: Codable, Equatable, Sendable {
        public var name: String
        public var aliases: [String]
        /// `[1, height, width, channels]`
        public var output: [Int]
    }

    public var encoder: String
    /// `[1, height, width, 3]`
    public var input: [Int]
    public var classes: Int
    /// The layer of maps by default.
    public var explanationLayer: String
    public var stages: [Stage]
    public var layers: [Layer]
    /// As torchvision counts them: all trained numbers, batch normalisation's scale and shift among them.
    public var parameters: Int
    public var multiplyAdds: Int
    /// 2 for each multiplication and addition.
    public var flops: Int

    /// - Parameter classes: the head's; 0 for the encoder alone.
    public init(_ architecture: any Architecture, preprocessing: Preprocessing? = nil, classes: Int = 1000) {
        let preprocessing = preprocessing ?? architecture.preprocessing
        input = [1, preprocessing.height, preprocessing.width, 3]
        encoder = architecture.name
        self.classes = classes
        // The input is zeros, because only shapes are used.
        let tape = Tape()
        let store = ParameterStore(strict: [:], origin: architecture.name)
        let p = store.scope(on: tape)
        let network = architecture.encoder(p, folded: true)
        explanationLayer = network.lastLayer
        var x = Variable(Tensor(input))
        var stages: [Stage] = []
        for stage in network.stages {
            x = stage.apply(x)
            stages.append(Stage(name: stage.name, aliases: stage.aliases, output: x.shape))
        }
        self.stages = stages
        if classes > 0 { _ = architecture.head(p, classes: classes)(x) }
        let values = store.values
        layers = tape.products(of: store.leaves).map { product in
            let name = product.weight.hasSuffix(".weight") ? String(product.weight.dropLast(7)) : product.weight
            let weight = values[product.weight]?.shape ?? []
            return Layer(
                name: name, weight: weight.count == 4 ? [weight[0], weight[3], weight[1], weight[2]] : weight,
                output: product.output,
                parameters: (values[product.weight]?.count ?? 0) + (values["\(name).bias"]?.count ?? 0),
                multiplyAdds: product.multiplyAdds)
        }
        multiplyAdds = layers.reduce(0) { $0 + $1.multiplyAdds }
        flops = 2 * multiplyAdds
        let apart = ParameterStore(strict: [:], origin: architecture.name)
        let q = apart.scope(on: Tape())
        _ = architecture.encoder(q, folded: false)
        if classes > 0 { _ = architecture.head(q, classes: classes) }
        parameters = apart.values.filter { !$0.key.contains(".running_") }.reduce(0) { $0 + $1.value.count }
    }
}

extension NetworkSummary {
    /// The network of an installed model, of a model folder, or with this name.
    /// - Throws: ``ModelError``, `UnknownEncoder`.
    public init(named name: String) throws {
        struct Owner: Decodable {
            var task: String
            var encoder: EncoderConfiguration
            var preprocessing: Preprocessing
            var classes: Int?
        }
        let folder: URL
        do { folder = try ModelFolder.find(name) } catch {
            if name.contains("/") { throw error }
            self.init(try Architectures.named(name))
            return
        }
        let owner = try ModelFiles(folder).configuration(Owner.self, of: "a model") { owner in
            (0...ClassifierConfiguration.mostClasses).contains(owner.classes ?? 0)
                ? nil : "classes is \(owner.classes ?? 0)"
        }
        self.init(try owner.encoder.architecture(), preprocessing: owner.preprocessing, classes: owner.classes ?? 0)
    }
}
