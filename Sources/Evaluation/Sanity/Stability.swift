import Foundation
import Tensors

/// How much a map changes while the image hardly does: max-sensitivity (Yeh et al. 2019, arXiv 1901.09392, eq. 1) and
/// the local Lipschitz estimate (Alvarez-Melis & Jaakkola 2018, arXiv 1806.08049, eq. 2), as Quantus computes them from
/// the same maps. Small is stable. A map that ignores the image is most stable of all.
///
/// The preprocessed image gets uniform noise, and the target stays. A sample counts only if the model still gives the
/// answer that is explained.
enum Stability {
    /// Changed images of each image. Quantus takes 200.
    static let samples = 10
    /// The largest change of a value, as a part of the range of the image's values.
    static let noise: Float = 0.05
    static let sensitivity = MapColumn(
        name: "maxSensitivity", title: "max sens.", isShare: false, table: .sanity)
    static let lipschitz = MapColumn(
        name: "lipschitz", title: "Lipschitz", isShare: false, table: .sanity, decimals: 4)

    /// The largest of |a_s - a| / |a| over the changed images s, by Euclidean norms.
    /// - Parameters:
    ///   - map: a, of any length.
    ///   - others: a_s, each as long as `map`.
    /// - Returns: nil for a map of zeros, or without others.
    static func maxSensitivity(_ map: [Float], _ others: [[Float]]) -> Double? {
        let length = distance(map, [Float](repeating: 0, count: map.count))
        guard length > 0 else { return nil }
        return others.map { distance($0, map) / length }.max()
    }

    /// The largest of |a_s - a| / |x_s - x| over the changed images x_s, by Euclidean norms, each map divided by its
    /// largest magnitude.
    /// - Returns: nil for a map of zeros, or without others.
    static func lipschitz(_ map: [Float], _ others: [(map: [Float], moved: Double)]) -> Double? {
        guard let own = scaled(map) else { return nil }
        return others.compactMap { other in scaled(other.map).map { distance($0, own) / (other.moved + 1e-10) } }.max()
    }

    private static func scaled(_ map: [Float]) -> [Float]? {
        let largest = map.reduce(0) { max($0, abs($1)) }
        return largest > 0 ? map.map { $0 / largest } : nil
    }

    /// The Euclidean distance of two lists of one length.
    static func distance(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0.0) { sum, pair in
            let difference = Double(pair.0) - Double(pair.1)
            return sum + difference * difference
        }.squareRoot()
    }

    // MARK: Measuring

    /// Adds the figures of the model's maps and of the word-blind reference.
    /// - Parameter seed: of the noise.
    /// - Throws: what the source of the maps throws.
    static func measure(_ maps: ImageMaps, seed: UInt64, _ found: inout [TargetFigures]) throws {
        guard let remade = maps.remade else { return }
        var random = SeededGenerator(seed: seed)
        let input = maps.input.array, radius = noise * ((input.max() ?? 0) - (input.min() ?? 0))
        let changed = try (0..<samples).map { _ -> (maps: ImageMaps, moved: Double) in
            let moved = input.map { $0 + radius * (2 * random.uniform() - 1) }
            return (try remade(Tensor(maps.input.shape, moved)), distance(input, moved))
        }
        for (index, target) in maps.targets.enumerated() {
            for n in found[index].figures.indices {
                let method = found[index].figures[n].method
                let own = target.maps.first { $0.method == method }
                guard let map = own?.raw ?? (method == ReferenceMaps.names[0] ? maps.wordBlind : nil) else { continue }
                let others = changed.compactMap { sample -> (map: [Float], moved: Double)? in
                    guard let own else { return (sample.maps.wordBlind.array, sample.moved) }
                    let other = sample.maps.targets[index].maps.first { $0.method == method }
                    guard let other, other.fields["answer"] == own.fields["answer"] else { return nil }
                    return (other.raw.array, sample.moved)
                }
                found[index].figures[n].terms[sensitivity.name] = maxSensitivity(map.array, others.map(\.map)).map {
                    Ratio($0)
                }
                found[index].figures[n].terms[Self.lipschitz.name] = lipschitz(map.array, others).map { Ratio($0) }
            }
        }
    }
}
