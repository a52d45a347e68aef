import Foundation
import Tasks
import Tensors
import Vision

/// A source of maps whose model can be made again of other parameters.
public protocol RandomisableMaps: MapSource {
    /// The model's parameters by their names, in file layout.
    func parameters() throws -> [String: Tensor]
    /// Names of the parameters in the order in which the image's values reach them.
    func parameterOrder() throws -> [String]
    func with(parameters: [String: Tensor]) throws -> Self
}

/// How alike one method's maps are to those before the parameters of some layers were randomised.
public struct RandomisedMaps: Codable, Equatable, Sendable {
    /// The last layer that was randomised; all between it and the model's head were, too.
    public var downTo: String
    public var method: String
    /// Rank correlation of the raw maps; nil where no pair of maps has one.
    public var spearman: Estimate?
    /// Structural similarity of the maps as they are drawn.
    public var ssim: Estimate?
}

/// Cascading randomisation of parameters (Adebayo et al. 2018, arXiv 1810.03292, section 4.1): layer by layer, from the
/// head back to the first, parameters are randomised; the maps of a method that shows what the model has learnt change
/// with them. A layer's values are shuffled within each parameter, which keeps their mean and spread.
public enum CascadingRandomisation {
    /// A layer's parameters: the names that differ in their last part only; a block's layers together.
    /// - Parameter names: in the order in which values reach them.
    /// - Returns: from the last layer to the first.
    static func layers(_ names: [String]) -> [(name: String, parameters: [String])] {
        var order: [String] = []
        var members: [String: [String]] = [:]
        for name in names {
            // "encoder._blocks.12._expand_conv.weight" is of the layer "encoder._blocks.12", "decoder.words.weight" of
            // "decoder.words".
            let parts = name.split(separator: ".").dropLast()
            let layer = parts.prefix((parts.firstIndex { Int($0) != nil } ?? 1) + 1).joined(separator: ".")
            if members[layer] == nil { order.append(layer) }
            members[layer, default: []].append(name)
        }
        return order.reversed().map { ($0, members[$0] ?? []) }
    }

    /// The same values in another order.
    static func shuffled(_ parameter: Tensor, using random: inout SeededGenerator) -> Tensor {
        Tensor(parameter.shape, parameter.array.shuffled(using: &random))
    }

    /// - Parameter progress: layers done, of how many.
    public static func run(
        _ source: some RandomisableMaps, bootstrap: Bootstrap = Bootstrap(), progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> [RandomisedMaps] {
        let photos = try source.images.indices.map { try Image.read(source.url(ofImage: $0)) }
        let original = try maps(source, photos)
        var parameters = try source.parameters()
        let layers = layers(try source.parameterOrder())
        var random = SeededGenerator(seed: bootstrap.seed)
        var found: [RandomisedMaps] = []
        for (index, layer) in layers.enumerated() {
            for name in layer.parameters {
                if let value = parameters[name] { parameters[name] = shuffled(value, using: &random) }
            }
            let changed = try maps(source.with(parameters: parameters), photos)
            for method in source.methods {
                let estimates = bootstrap.estimates(columns(original, changed, method: method))
                found.append(
                    RandomisedMaps(downTo: layer.name, method: method, spearman: estimates[0], ssim: estimates[1]))
            }
            progress(index + 1, layers.count)
        }
        return found
    }

    private static func maps(_ source: some MapSource, _ photos: [Image]) throws -> [ImageMaps] {
        try photos.enumerated().map { try source.maps(ofImage: $0, photo: $1) }
    }

    /// Sums over each image's maps of the rank correlation and of the structural similarity.
    private static func columns(_ original: [ImageMaps], _ changed: [ImageMaps], method: String) -> [[Ratio]] {
        var columns = [[Ratio]](
            repeating: [Ratio](repeating: Ratio(0, over: 0), count: original.count), count: 2)
        for (image, pair) in zip(original, changed).enumerated() {
            for (before, after) in zip(pair.0.targets, pair.1.targets) {
                guard let a = before.maps.first(where: { $0.method == method }),
                    let b = after.maps.first(where: { $0.method == method })
                else { continue }
                if let alike = Correlation.spearman(a.raw.array.map(Double.init), b.raw.array.map(Double.init)) {
                    columns[0][image] = columns[0][image] + Ratio(alike)
                }
                columns[1][image] =
                    columns[1][image]
                    + Ratio(StructuralSimilarity.mean(pair.0.prepared(a).plane, pair.1.prepared(b).plane))
            }
        }
        return columns
    }
}
