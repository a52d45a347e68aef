import Foundation
import Tasks
import Tensors
import Vision

/// A source of maps whose model can have other values of its parameters.
public protocol RandomisableMaps: MapSource {
    /// The values of the model's parameters by name, as the file has them.
    func parameters() throws -> [String: Tensor]
    /// The names of the parameters in the order in which the model uses them, from the image on.
    func parameterOrder() throws -> [String]
    /// The same source with other values of the parameters.
    /// - Parameter parameters: all of them, by name.
    func with(parameters: [String: Tensor]) throws -> Self
}

/// The similarity of a method's maps before and after some layers were randomised.
public struct RandomisedMaps: Codable, Equatable, Sendable {
    /// The name of the first randomised layer. All layers after it are randomised too.
    public var downTo: String
    /// The method's name.
    public var method: String
    /// The rank correlation of the raw maps, -1...1. It is nil if it is defined for no pair of maps.
    public var spearman: Estimate?
    /// The structural similarity of the drawn maps, at most 1.
    public var ssim: Estimate?
}

/// Cascading randomisation of parameters (Adebayo et al. 2018, arXiv 1810.03292, section 4.1). The layers are
/// randomised one after another, from the head to the first. If a method's maps depend on what the model has learnt,
/// they change. The values of each parameter are shuffled, so that their mean and standard deviation stay the same.
public enum CascadingRandomisation {
    /// Groups parameters by layer. The names of a layer's parameters differ in their last part only. The layers of a
    /// numbered block are one group.
    /// - Parameter names: in the order in which the model uses the parameters.
    /// - Returns: the layers from the last to the first.
    static func layers(_ names: [String]) -> [(name: String, parameters: [String])] {
        var order: [String] = []
        var members: [String: [String]] = [:]
        for name in names {
            // "encoder._blocks.12._expand_conv.weight" is in "encoder._blocks.12", and "decoder.words.weight" is in
            // "decoder.words".
            let parts = name.split(separator: ".").dropLast()
            let layer = parts.prefix((parts.firstIndex { Int($0) != nil } ?? 1) + 1).joined(separator: ".")
            if members[layer] == nil { order.append(layer) }
            members[layer, default: []].append(name)
        }
        return order.reversed().map { ($0, members[$0] ?? []) }
    }

    /// The parameter with its values in random order.
    static func shuffled(_ parameter: Tensor, using random: inout SeededGenerator) -> Tensor {
        Tensor(parameter.shape, parameter.array.shuffled(using: &random))
    }

    /// Randomises the layers and compares the maps after each.
    /// - Parameters:
    ///   - source: of the maps.
    ///   - options: which targets are compared, the largest image to read, and the bootstrap for the intervals, whose
    ///     seed is also that of the shuffling.
    ///   - progress: called after each layer with the number of randomised layers and the number of all layers.
    /// - Returns: for each layer from the last to the first, the similarity of each method's maps.
    /// - Throws: `ImageError` for an image that cannot be read, or an error of the source.
    public static func run(
        _ source: some RandomisableMaps, _ options: EvaluationOptions = EvaluationOptions(),
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> [RandomisedMaps] {
        let bootstrap = options.bootstrap
        let photos = try source.images.indices.map {
            try Image.read(source.url(ofImage: $0), limits: options.imageLimits)
        }
        let original = try maps(source, photos)
        let chosen = original.map { options.chosen($0.targets) }
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
                let estimates = bootstrap.estimates(columns(original, changed, of: chosen, method: method))
                // Another tool's maps are not of this model.
                if estimates.allSatisfy({ $0 == nil }) { continue }
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

    /// The rank correlations and the structural similarities of a method's maps, summed for each image: `[2][images]`.
    /// - Parameter chosen: the indices of the targets that are compared, for each image.
    private static func columns(
        _ original: [ImageMaps], _ changed: [ImageMaps], of chosen: [[Int]], method: String
    ) -> [[Ratio]] {
        var columns = [[Ratio]](
            repeating: [Ratio](repeating: Ratio(0, over: 0), count: original.count), count: 2)
        for (image, pair) in zip(original, changed).enumerated() {
            for (before, after) in chosen[image].map({ (pair.0.targets[$0], pair.1.targets[$0]) }) {
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
