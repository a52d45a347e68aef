/// One row of `weight` `[V, E]` for each index.
public struct Embedding {
    /// `[V, E]`
    public let weight: Variable

    /// - Parameters:
    ///   - count: V.
    ///   - width: E.
    ///   - deviation: the standard deviation of new weights.
    public init(_ p: Parameters, count: Int, width: Int, deviation: Float = 0.05) {
        weight = p("weight", shape: [count, width], initial: .normal(deviation))
    }

    /// `[indices.count, E]`
    public func callAsFunction(_ indices: [Int]) -> Variable { embedding(weight, indices) }
}
