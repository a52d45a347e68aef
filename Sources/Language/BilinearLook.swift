import Tensors

/// Where to look: a score for each region, low-rank bilinear in the region's channels F_l and in a state h of whoever
/// asks, w . (tanh(K F_l) * tanh(Q h)) (Kim et al. 2017, arXiv 1610.04325, eq. 7 and 10). A softmax over the regions
/// makes it attention.
struct BilinearLook {
    private let key: Linear
    private let query: Linear
    /// w `[1, A]`. It starts at 1: smaller weights would leave the attention even, and its lesson slow.
    private let weight: Variable

    /// - Parameters:
    ///   - features: K, the channels of a region; hidden: width of the state; width: A.
    init(_ p: Parameters, features: Int, hidden: Int, width: Int) {
        key = Linear(p["image"], inputs: features, outputs: width)
        query = Linear(p["question"], inputs: hidden, outputs: width)
        weight = p["score"]("weight", shape: [1, width], initial: .ones)
    }

    /// tanh(K F_l), computed once for each image: `[M, L, K] -> [M, L, A]`.
    func keys(of regions: Variable) -> Variable { key(regions).activated(.tanh) }

    /// Scores of the regions: R states of each image `[M, R, H]` and keys `[M, L, A] -> [M, R, L]`.
    func scores(states: Variable, keys: Variable) -> Variable {
        let asked = query(states).activated(.tanh)
        let (images, rows, width) = (asked.shape[0], asked.shape[1], asked.shape[2])
        // The weights of the products are taken into the queries, which are fewer than the regions.
        let weighted = asked.reshaped([images * rows, width]) * weight.repeatedRows(images * rows)
        return batchedProduct(weighted.reshaped(asked.shape), keys, transposeB: true)
    }
}
