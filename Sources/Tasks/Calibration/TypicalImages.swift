import Tensors

/// A few training images that stand for all: the medoids of clusters, found by PAM's building phase and then by turns
/// of assigning images and of choosing each cluster's medoid (Kaufman & Rousseeuw 1990, "Finding Groups in Data",
/// chapter 2; Park & Jun 2009). Images are compared by the squared distances of their descriptions
/// (``FeatureDistribution``).
enum TypicalImages {
    /// How many there are. More come nearer to all images, and make evidence dearer (docs/evidence.md).
    static let count = 4
    /// The most images that are compared; of more, some at equal distances are.
    static let mostCompared = 1_000

    /// The images that are compared, of `images` in all.
    static func compared(of images: Int) -> [Int] {
        let count = min(images, mostCompared)
        return (0..<count).map { $0 * images / count }
    }

    /// - Parameter descriptions: of the images, `[n, K]`, at least one.
    /// - Returns: for each typical image its row, and the share of the images that are nearest to it; the largest share
    ///   first. Images that are all alike have one typical image.
    static func choose(_ descriptions: Tensor, count: Int = count) -> [(row: Int, share: Float)] {
        let n = descriptions.shape[0], products = linear(Variable(descriptions), Variable(descriptions)).value
        // Squared distances.
        let distances = (0..<n).map { i in
            (0..<n).map { max(0, products[i, i] + products[$0, $0] - 2 * products[i, $0]) }
        }
        var nearest = [Float](repeating: .infinity, count: n)
        var medoids: [Int] = []
        func best(_ candidates: some Sequence<Int>, _ cost: (Int) -> Double) -> Int? {
            candidates.map { ($0, cost($0)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
        }
        while medoids.count < count {
            let next = best((0..<n).filter { !medoids.contains($0) }) { candidate in
                (0..<n).reduce(0) { $0 + Double(min(nearest[$1], distances[candidate][$1])) }
            }
            guard let next, medoids.isEmpty || nearest[next] > 0 else { break }
            medoids.append(next)
            for i in 0..<n { nearest[i] = min(nearest[i], distances[next][i]) }
        }
        var clusters: [[Int]] = []
        for _ in 0..<50 {
            clusters = [[Int]](repeating: [], count: medoids.count)
            for i in 0..<n {
                let own = medoids.indices.min { distances[medoids[$0]][i] < distances[medoids[$1]][i] } ?? 0
                clusters[own].append(i)
            }
            let moved = clusters.map { cluster in
                best(cluster) { candidate in cluster.reduce(0) { $0 + Double(distances[candidate][$1]) } } ?? 0
            }
            if moved == medoids { break }
            medoids = moved
        }
        return zip(medoids, clusters).map { (row: $0, share: Float($1.count) / Float(n)) }
            .sorted { ($1.share, $0.row) < ($0.share, $1.row) }
    }
}
